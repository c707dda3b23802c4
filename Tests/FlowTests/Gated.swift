import Admission
import Catalog
import Control
import Flow
import Identity
import Routing

/// Keys, clients and drivers whose callers are asked who they are.
struct Gate {
    static let now: Int64 = 1_795_262_400
    static let workload = "shop"
    /// Texts of keys: of `checkout`, of `batch`, of `checkout` but expired, not in force yet.
    static let checkout = "sk-checkout-0123456789"
    static let batch = "sk-batch-0123456789abc"
    static let expired = "sk-expired-0123456789a"
    static let early = "sk-early-0123456789abcd"
    static let foreign = "sk-of-somebody-else-0123"
    /// In the shape of a token; nothing here looks into it.
    static let token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"

    /// The clients `checkout`, `batch`, `shop` (a workload's) and `guest`.
    static func catalog(
        anonymous: Authentication.Anonymous = .deny, _ change: (inout Catalog) -> Void = { _ in }
    ) -> Catalog {
        var catalog = FlowDriver.pair(RetryPolicy(attempts: 1))
        catalog.models.append(Model(name: "hidden", endpoints: [FlowDriver.endpoint(FlowDriver.third)], access: .private))
        catalog.clients = [
            Client(
                name: "checkout",
                keys: [
                    KeyDigest.shared(id: "checkout/1", key: checkout),
                    KeyDigest.shared(id: "checkout/2", key: expired, expires: now),
                    KeyDigest.shared(id: "checkout/3", key: early, notBefore: now + 1),
                ]),
            Client(name: "batch", keys: [KeyDigest.shared(id: "ci", key: batch)], certificates: ["dns:batch.shop"]),
            Client(name: workload), Client(name: "guest"),
        ]
        let issuer = Issuer(name: "corp", issuer: "https://sso", algorithms: [.rs256], keys: .file("/jwks"))
        catalog.authentication = Authentication(anonymous: anonymous, issuers: [issuer])
        change(&catalog)
        return catalog
    }
}

extension FlowDriver {
    /// A connection of a caller whose workload is `workload`; empty: of none that is known.
    init(
        gate catalog: Catalog, _ entrance: FlowRecord.Entrance = .gateway, workload: String = "", strict: Bool? = nil,
        onConflict: CaptureRule.Conflict = .deny, admission: AdmissionTable = AdmissionTable()
    ) {
        self.init(entrance, strict: strict)
        var caller = flow.caller
        caller.client = workload
        caller.onConflict = onConflict
        if !workload.isEmpty { (caller.pid, caller.cgroup) = (42, 4242) }
        context.epochMilliseconds = Gate.now * 1000 + 123
        adopt(catalog, admission: admission)
        flow = Flow(caller, &context)
    }

    mutating func adopt(gate catalog: Catalog) { adopt(catalog) }

    /// The token that the flow wants checked; nil: none.
    mutating func tokenToCheck() -> String? {
        var token: String?
        for case .checkToken(let slice) in takeActions() { token = String(decoding: flow.inbox[slice.range], as: UTF8.self) }
        return token
    }

    mutating func checked(_ finding: TokenFinding) {
        flow.tokenChecked(finding, &context, &out)
        give(.upstream, [])
    }

    var clients: [String: ProxyStatistics.ClientEntry] {
        Dictionary(uniqueKeysWithValues: context.ledger.statistics().clients.map { ($0.name, $0) })
    }

    /// The audit lines made so far.
    mutating func audited() -> [String] {
        defer { context.audit.bytes = [] }
        return String(decoding: context.audit.bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
