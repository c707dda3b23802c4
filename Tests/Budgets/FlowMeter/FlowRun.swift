import Admission
import Catalog
import Control
import Flow
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

    /// A captured connection under a rule that relays models that the catalogue does not have.
    ///
    /// - Parameter qos: of the one model that it has; nil: the model has no entry.
    init(_ qos: QoS?) {
        let engine = SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 9101)
        let endpoint = Endpoint(host: "127.0.0.1", port: 9101, authority: "127.0.0.1:9101", addresses: [engine])
        context.now = 1_000_000_000
        var admission = AdmissionTable()
        if let qos {
            let memory = QoSMemory()
            memory.put(qos, Sample.model, slot: Sample.slot)
            admission = AdmissionTable(memory.page, slots: [Sample.slot], models: [Sample.model])
        }
        context.adopt(RoutingTable([Model(name: Sample.model, endpoints: [endpoint])]), Node(), admission: admission)
        let address = SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 50000)
        let dialled = SocketAddress(ip: IPAddress(v4: 127, 64, 0, 10), port: 8000)
        var caller = Caller(entrance: .capture, address: address, dialled: dialled)
        caller.unknown = .relay
        caller.opaque = .relay
        caller.command = "python3"
        caller.client = "team-a"
        flow = Flow(caller, &context)
    }

    mutating func receive(_ leg: Leg, _ bytes: [UInt8], _ range: Range<Int>? = nil) {
        context.now += 1_000_000
        flow.received(leg, bytes.span.extracting(range ?? 0..<bytes.count), &context, &out)
        carryOut()
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
            case .shutdownWrite, .close, .abort, .connectHedge, .promoteHedge, .releaseHedge, .mirror: isUpset = true
            }
        }
        return wanted
    }
}
