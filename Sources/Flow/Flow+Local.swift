import Catalog
import Control
import HTTPWire
import Identity
import Routing
import Telemetry

/// Requests that are about the broker itself, or about what it has.
extension Flow {
    /// The path is one that the broker knows the answer to.
    var isAnsweredHere: Bool {
        switch path {
        case .models, .model, .kserveServer, .kserveLive, .kserveReady, .kserveIndex, .ollamaTags, .ollamaVersion: true
        case .inference, .kserve, .kserveRepository, .ollama, .other: false
        }
    }

    /// A strictly governed request that names no model.
    mutating func answerHere(_ context: inout FlowContext, _ out: inout FlowOutput) {
        let method = Self.text(inbox.span.extracting(request.methodName.range))
        switch path {
        case .inference, .ollama:
            guard request.method == .post else { return refuse(.methodNotAllowed(method, allow: "POST"), &context, &out) }
            return refuse(request.mayBeJSON ? .modelMissing : .notJSON, &context, &out)
        case .other, .kserve, .kserveRepository: return refuse(.urlUnknown(method, shownPath), &context, &out)
        case .kserveIndex:
            guard request.method == .post else { return refuse(.methodNotAllowed(method, allow: "POST"), &context, &out) }
        default:
            guard request.method == .get || request.method == .head else {
                return refuse(.methodNotAllowed(method, allow: "GET"), &context, &out)
            }
        }
        var body: [UInt8] = []
        switch path {
        case .model(let range):
            var name: [UInt8] = []
            PercentCoding.appendDecoded(inbox.span, range, to: &name)
            let text = String(decoding: name, as: UTF8.self)
            guard let route = context.routes.route(named: name.span), context.mayList(route, client: identity.number) else {
                return refuse(.modelUnknown(text), &context, &out)
            }
            ModelsList.appendModel(text, created: context.epochSeconds, to: &body)
        case .kserveReady:
            guard isReady(context) else {
                return refuse(.noEndpoint("any", seconds: 1), &context, &out)
            }
        default: appendList(context, &body)
        }
        record.end = .answered
        record.status = 200
        respond(200, body, persists: requestBody.isComplete && request.keepAlive, hasHead: true, &context, &out)
    }

    private func appendList(_ context: FlowContext, _ body: inout [UInt8]) {
        switch path {
        case .models: ModelsList.append(names(context), created: context.epochSeconds, to: &body)
        case .kserveIndex: ModelsList.appendIndex(names(context, family: .v2), to: &body)
        case .ollamaTags: ModelsList.appendTags(names(context, family: .ollama), to: &body)
        case .ollamaVersion: ModelsList.appendVersion(to: &body)
        case .kserveServer: ModelsList.appendServer(to: &body)
        default: break
        }
    }

    private var shownPath: String {
        let target = request.target.range
        let bytes = inbox.span
        let path = target.prefix { bytes[$0] != 0x3F }
        return String(decoding: path.prefix(200).map { bytes[$0] }, as: UTF8.self)
    }

    // MARK: - What there is

    /// The pools and models that the caller may call, those that serve `family` only, where it is given.
    private func names(_ context: FlowContext, family: APIFamily? = nil) -> [String] {
        (0..<context.routes.routeCount).compactMap { index in
            guard context.plans[index].kind != .capability, context.mayList(index, client: identity.number) else { return nil }
            let route = context.routes.route(index)
            if let family, !serves(route, family, context) { return nil }
            return route.name
        }
    }

    private func serves(_ route: Route, _ family: APIFamily, _ context: FlowContext) -> Bool {
        (route.candidates + route.fallbacks).contains { context.routes.target($0).engine.serves(family) }
    }

    /// Whether a model that serves this request's interface is usable.
    private func isReady(_ context: FlowContext) -> Bool {
        (0..<context.routes.routeCount).contains { index in
            guard context.plans[index].kind == .model else { return false }
            let ask = RouteAsk(route: index, family: family, attempt: 1)
            switch Explanation.decide(ask, client: identity.number, .list, context).pick {
            case .target(let target, _): return context.routes.target(target).engine.serves(.v2)
            // It is busy, or will be there when it is needed.
            case .nothing(_, .full): return serves(context.routes.route(index), .v2, context)
            case .nothing: return false
            }
        }
    }
}
