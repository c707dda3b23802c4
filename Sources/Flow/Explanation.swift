import Catalog
package import Control
import HTTPWire
import Identity
import Routing

/// How a request finds its endpoint, told by the same steps that a request takes: what a name means, who may call it, and
/// what a router would pick.
package enum Explanation {
    /// What would become of a request; nothing is changed by it.
    package static func explain(_ query: ExplainQuery, _ context: FlowContext) -> RouteDecision {
        guard let route = context.routes.route(named: query.model.utf8Span.span) else {
            var decision = RouteDecision(name: query.model)
            decision.stages = ["name: nothing is called that"]
            (decision.status, decision.refusal) = (404, "The model '\(query.model)' does not exist.")
            return decision
        }
        let client = context.directory.number(of: query.client) ?? -1
        let ask = ask(query, route, context)
        let decision = decide(ask, client: client, .chat, context)
        var targets: [Int] = []
        switch decision.pick {
        case .target(let target, _): targets = [target]
        case .nothing(_, .full): targets = context.fullTargets(ask, client: client, .chat)
        case .nothing: break
        }
        return record(decision, targets, client: client, ask, query, context)
    }

    /// The router's decision, on a copy.
    static func decide(_ ask: RouteAsk, client: Int, _ operation: Operation, _ context: FlowContext) -> Decision {
        let pool = context.plans[ask.route].poolNumber
        let isOpen = context.access.isOpen && operation != .admin
        return context.router.explain(ask, context.routes, now: context.now) {
            isOpen
                || context.access.mayCall($0, client: client, through: pool, operation: operation, epoch: context.epoch) == .yes
        }
    }

    /// A session that is the caller.
    static func session(client: String, _ address: IPAddress) -> UInt64 {
        Hash.text(client.isEmpty ? address.description : client)
    }

    private static func ask(_ query: ExplainQuery, _ route: Int, _ context: FlowContext) -> RouteAsk {
        let keys = keys(query, context.promptBytes)
        var session: UInt64 = 0
        switch context.plans[route].session {
        case .none: break
        case .user: session = keys.user
        case .client: session = query.client.isEmpty ? 0 : Hash.text(query.client)
        case .header:
            let name = String(decoding: context.sessionHeaders[route], as: UTF8.self)
            let value = query.headers.first { $0.name == name }?.value ?? ""
            if !value.isEmpty { session = Hash.bytes(value.utf8Span.span) }
        }
        return RouteAsk(route: route, family: family(route, context), session: session, prefix: keys.prompt)
    }

    /// What the body of such a request would say.
    private static func keys(_ query: ExplainQuery, _ promptBytes: Int) -> JSONKeyScanner {
        var body: [UInt8] = []
        body.append("{\"user\":")
        JSONText.append(query.user, to: &body)
        if !query.prompt.isEmpty {
            body.append(",\"prompt\":")
            JSONText.append(query.prompt, to: &body)
        }
        body.append("}")
        var scanner = JSONKeyScanner(promptBytes: promptBytes)
        try? scanner.scan(body.span, 0..<body.count)
        return scanner
    }

    /// The interface that the route has: most often that of OpenAI.
    private static func family(_ index: Int, _ context: FlowContext) -> APIFamily {
        let route = context.routes.route(index)
        let engines = (route.candidates + route.fallbacks).map { context.routes.target($0).engine }
        return engines.contains { $0.serves(.v1) } ? .v1 : .other
    }

    /// - Parameter targets: the one that was picked, or those that the request would wait for.
    private static func record(
        _ decision: Decision, _ targets: [Int], client: Int, _ ask: RouteAsk, _ query: ExplainQuery, _ context: FlowContext
    ) -> RouteDecision {
        let route = ask.route
        var record = RouteDecision(
            kind: decision.kind.rawValue, name: decision.name, strategy: decision.strategy.rawValue)
        let (access, limits) = (
            access(route, client: client, query.client, context), limits(targets.first, client: client, query, context)
        )
        record.stages = decision.stages.prefix(1) + access + decision.stages.dropFirst() + limits.stages
        record.candidates = decision.candidates.map { candidate in
            let target = context.routes.target(candidate.target)
            return RouteDecision.Candidate(
                model: context.routes.name(target.model), key: EndpointKey(url: target.url, address: target.address),
                score: candidate.score, note: candidate.note, isFallback: candidate.isFallback)
        }
        record.chosen = decision.chosen
        var refusal = limits.refusal
        if case .nothing(let recoveryAt, let shortage) = decision.pick {
            switch shortage {
            case .full where refusal == nil: refusal = wait(targets, client: client, query, &record, context)
            case .full: break
            case .closed: refusal = .accessDenied(query.model, rule: context.closingRule(route, client: client, .chat))
            default: refusal = self.refusal(shortage, query.model, Flow.seconds(until: recoveryAt, context.now))
            }
        }
        if client < 0, !context.directory.isOpen, context.directory.anonymous == nil { refusal = .unauthenticated(.missing) }
        guard let refusal else { return record }
        (record.chosen, record.line) = (nil, nil)
        (record.status, record.refusal) = (UInt16(refusal.status), refusal.message.description)
        return record
    }

    private static func refusal(_ shortage: Shortage, _ name: String, _ seconds: Int) -> Refusal {
        switch shortage {
        case .closed: .accessDenied(name)
        case .family: .interfaceMissing(name, "asked for")
        case .empty, .excluded, .standby, .full: .noEndpoint(name, seconds: seconds)
        }
    }
}
