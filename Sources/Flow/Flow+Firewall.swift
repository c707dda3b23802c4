import Catalog
import HTTPWire
import Identity
import Routing
import Telemetry

/// What the firewall's rules are about, of a request whose head may be gone when its body is found to be too large.
struct FirewallSubject: Sendable {
    var method: [UInt8]
    /// As it came, and as servers understand it, where that is something else.
    var path: [UInt8]
    var plainPath: [UInt8]?
    /// nil: none is named.
    var model: [UInt8]?

    /// The number of the first rule that means it.
    ///
    /// - Parameter client: nil: rules that name clients are left out.
    func verdict(_ firewall: Firewall, bodySize: UInt64, client: Int?) -> Int? {
        if let rule = verdict(firewall, path, bodySize, client) { return rule }
        return plainPath.flatMap { verdict(firewall, $0, bodySize, client) }
    }

    private func verdict(_ firewall: Firewall, _ path: [UInt8], _ size: UInt64, _ client: Int?) -> Int? {
        guard let model else { return verdict(firewall, path, nil, size, client) }
        return verdict(firewall, path, model.span, size, client)
    }

    private func verdict(
        _ firewall: Firewall, _ path: [UInt8], _ model: Span<UInt8>?, _ size: UInt64, _ client: Int?
    ) -> Int? {
        if let client {
            return firewall.verdict(method: method.span, path: path.span, model: model, bodySize: size, client: client)
        }
        return firewall.verdict(method: method.span, path: path.span, model: model, bodySize: size)
    }
}

/// The rules that refuse requests whoever sends them.
extension Flow {
    /// False: the request was refused.
    ///
    /// - Parameter client: its number, -1: none; nil: only the rules for every caller are asked.
    mutating func passesFirewall(client: Int? = nil, _ context: inout FlowContext, _ out: inout FlowOutput) -> Bool {
        guard let firewall = context.firewall, client == nil || firewall.judgesClients else { return true }
        let subject = firewallSubject()
        let size = requestBody.announced ?? requestBody.leastSize
        if let rule = subject.verdict(firewall, bodySize: size, client: client) {
            refuse(.requestDenied(firewall.name(rule)), &context, &out)
            return false
        }
        if firewall.bodyLimit != nil, requestBody.announced == nil, !requestBody.isComplete { watched.set(subject) }
        return true
    }

    /// Whether a body whose length was not announced may be as long as it is by now, and whether one that is whole may ask for
    /// what it does; false: the request was refused.
    mutating func mayGrow(_ context: inout FlowContext, _ out: inout FlowOutput) -> Bool {
        if let firewall = context.firewall, let limit = firewall.bodyLimit, requestBody.leastSize > limit,
            let subject = watched.value
        {
            let rule =
                subject.verdict(firewall, bodySize: requestBody.leastSize, client: nil)
                ?? subject.verdict(firewall, bodySize: requestBody.leastSize, client: clientNow(context))
            if let rule {
                refuse(.requestDenied(firewall.name(rule)), &context, &out)
                return false
            }
        }
        guard course == .endpoint, exchange.version == context.routesVersion else { return true }
        return isAdmissible(model: exchange.model, &context, &out)
    }

    /// Whom rules that name clients take the caller for: where nobody was asked, the one that the kernel attests.
    var firewallClient: Int { mutating get { identity.isKnown ? identity.number : Int(standing.workload) } }

    /// The same by the numbers of the catalogue in force, of a request that may be older.
    private mutating func clientNow(_ context: FlowContext) -> Int {
        if identity.isKnown ? identity.version == context.routesVersion : standing.version == context.routesVersion {
            return firewallClient
        }
        return context.directory.number(of: client) ?? -1
    }

    private mutating func firewallSubject() -> FirewallSubject {
        let held = inbox
        let bytes = held.span
        let path = PlainPath.range(bytes, request.target.range)
        return FirewallSubject(
            method: Array(held[request.methodName.range]), path: Array(held[path]),
            plainPath: PlainPath.isOdd(bytes, path) ? PlainPath.normalized(bytes, path) : nil,
            model: withName { name in name.indices.map { name[$0] } })
    }
}
