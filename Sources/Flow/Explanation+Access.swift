import Admission
import Catalog
import Control
import Identity
import Routing

/// Who may call what, and what is left of it, in words.
extension Explanation {
    /// What the caller is, and what the route's models are to it now.
    static func access(_ route: Int, client: Int, _ name: String, _ context: FlowContext) -> [String] {
        var stages: [String] = []
        if !context.directory.isOpen {
            let anonymous = context.directory.anonymous.map { context.directory.name($0) }
            if client >= 0 {
                stages.append("client: \(name)")
            } else if !name.isEmpty {
                stages.append("client: \(name) is none of the configuration's")
            } else {
                stages.append("client: \(anonymous.map { "nobody, who is \($0)" } ?? "nobody, who is refused")")
            }
        }
        guard !context.access.isOpen else { return stages }
        let pool = context.plans[route].poolNumber
        for model in context.routes.route(route).models {
            let open = Operation.allCases.filter {
                context.access.mayCall(model, client: client, through: pool, operation: $0, epoch: context.epoch) == .yes
            }
            var text = open.isEmpty ? "closed" : "open for \(open.map(\.text).joined(separator: ", "))"
            let answer = context.access.mayCall(model, client: client, through: pool, operation: .chat, epoch: context.epoch)
            if case .no(let rule) = answer, rule >= 0 { text += ", closed for chat by the rule \(context.access.ruleName(rule))" }
            stages.append("access: \(context.routes.name(model)) is \(text)")
        }
        return stages
    }

    /// What is left of the limits of the model that would be charged; and what a request like this one would be refused
    /// for. Nothing is charged by it.
    ///
    /// - Parameter target: whose model; nil: there is none to be charged.
    static func limits(
        _ target: Int?, client: Int, _ query: ExplainQuery, _ context: FlowContext
    ) -> (stages: [String], refusal: Refusal?) {
        guard let target else { return ([], nil) }
        let model = context.model(ofTarget: target)
        var admission = context.admission
        guard admission.isGoverned(client: client, model: model) || admission.allowances.isPresent else { return ([], nil) }
        let demand = demand(query, client: client, context)
        let levels = admission.levels(model, demand)
        let parts = [(levels.requests, "requests"), (levels.tokens, "tokens")].compactMap { level, unit in
            level.map { "\($0.remaining) of \($0.capacity) \(unit) left" }
        }
        var stages = parts.isEmpty ? [] : ["limits: \(parts.joined(separator: ", "))"]
        if let fault = admission.check(model, demand) {
            let refusal = Refusal.excessive(fault, context.routes.name(model))
            return (stages + ["limits: \(refusal.message)"], refusal)
        }
        guard let denial = admission.denial(model, demand) else { return (stages, nil) }
        let holder = Refusal.Holder(
            subject: denial.subject, client: context.directory.name(client), model: context.routes.name(model))
        let refusal = Refusal.limited(holder, denial, levels)
        stages.append("limits: \(refusal.message)")
        return (stages, refusal)
    }

    static func demand(_ query: ExplainQuery, client: Int, _ context: FlowContext) -> Demand {
        let size = UInt64(query.prompt.utf8.count)
        return Demand(client: client, prompt: size / 4, answer: 256, size: size, now: context.now, epoch: context.epoch)
    }
}
