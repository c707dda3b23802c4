import Admission
import Catalog
import Control
import Flow
import Identity
import Routing

/// Drives one flow as an event loop does, without sockets and without allocating anything itself.
struct FlowRun {
    private var context = FlowContext(seed: 1)
    private var flow: Flow
    private var out = FlowOutput()
    /// Bytes that the flow had written to each leg.
    private(set) var toClient = 0
    private(set) var toUpstream = 0
    /// How often it asked for an upstream connection.
    private(set) var connects = 0
    /// It reported something or ended a connection, which no scenario means it to.
    private(set) var isUpset = false

    /// Nanoseconds that pass between one thing received and the next.
    private let tick: UInt64

    /// A captured connection under a rule that relays models that the catalogue does not have.
    ///
    /// - Parameters:
    ///   - qos: of the one model that it has; nil: the model has no entry.
    ///   - isKeyed: callers are asked who they are, and what they use is charged to them.
    ///   - isAudited: each request has an audit line, which names the caller's pod.
    ///   - isTraced: each request has spans.
    init(
        _ qos: QoS?, tick: UInt64 = 1_000_000, isKeyed: Bool = false, isAudited: Bool = false, isTraced: Bool = false
    ) {
        self.tick = tick
        let engine = SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 9101)
        let endpoint = Endpoint(host: "127.0.0.1", port: 9101, authority: "127.0.0.1:9101", addresses: [engine])
        context.now = 1_000_000_000
        var admission = AdmissionTable()
        if let qos {
            let memory = QoSMemory()
            memory.put(qos, Sample.model, slot: Sample.slot)
            admission = AdmissionTable(memory.page, slots: [Sample.slot], models: [Sample.model])
        }
        let models = [Model(name: Sample.model, endpoints: [endpoint])]
        var directory = ClientDirectory()
        if isKeyed {
            let authentication = Authentication(anonymous: .deny)
            let catalog = Catalog(models: models, clients: [Sample.client], authentication: authentication)
            directory = ClientDirectory(catalog)
            admission = AdmissionTable(
                nil, slots: [], models: [Sample.model], allowances: Self.allowances(catalog) ?? AllowanceTable())
        }
        let audit = isAudited ? Audit(sink: .standardOutput) : nil
        let tracing = isTraced ? Tracing(sample: 1_000_000) : nil
        context.adopt(
            RoutingTable(models), Node(), admission: admission, directory: directory, audit: audit, tracing: tracing)
        context.audit.isOpen = isAudited
        context.epochMilliseconds = 1_795_262_400_000
        let address = SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 50000)
        let dialled = SocketAddress(ip: IPAddress(v4: 127, 64, 0, 10), port: 8000)
        var caller = Caller(entrance: .capture, address: address, dialled: dialled)
        caller.unknown = .relay
        caller.opaque = .relay
        caller.command = "python3"
        caller.client = "team-a"
        if isAudited {
            (caller.cgroup, caller.pid) = (4242, 77)
            context.pods = [4242: PodName(name: "shop/checkout-7d9f8c6b5-x2x9k", serviceAccount: "checkout")]
        }
        flow = Flow(caller, &context)
    }

    private static func allowances(_ catalog: Catalog) -> AllowanceTable? {
        guard let page = AccountMemory(count: catalog.accounts.count).page,
            let slots = page.assign(catalog.accounts.map(\.text))
        else { return nil }
        return try? AllowanceTable(catalog, page: page, slots: slots, held: HeldCounts(), sessions: SessionBook())
    }

    mutating func receive(_ leg: Leg, _ bytes: [UInt8], _ range: Range<Int>? = nil) {
        context.now += tick
        flow.received(leg, bytes.span.extracting(range ?? 0..<bytes.count), &context, &out)
        carryOut()
        if !context.audit.bytes.isEmpty { context.audit.bytes.removeAll(keepingCapacity: true) }
        if !context.spans.bytes.isEmpty { context.spans.bytes.removeAll(keepingCapacity: true) }
    }

    private mutating func carryOut() {
        while true {
            let connection = carryOutOnce()
            out.clear()
            guard let connection else { return }
            flow.connected(reused: connection == .pooled, &context, &out)
        }
    }

    /// The connection that the flow asked for.
    private mutating func carryOutOnce() -> ConnectPolicy? {
        if !out.events.isEmpty, connects > 0 { isUpset = true }
        var wanted: ConnectPolicy?
        for index in out.actions.indices {
            switch out.actions[index] {
            case .write(.client, let slice): toClient += slice.count
            case .write(_, let slice): toUpstream += slice.count
            case .connect(_, let policy, _):
                connects += 1
                wanted = policy
            case .releaseUpstream, .pauseClient, .resumeClient, .tag: break
            case .shutdownWrite, .drainUpstream, .close, .abort, .connectHedge, .promoteHedge, .releaseHedge, .mirror,
                .checkToken,
                .prioritize:
                isUpset = true
            }
        }
        return wanted
    }
}
