import Catalog
import Control
import Flow
import Routing

/// Drives one flow by hand and keeps what came out of it.
struct FlowDriver {
    var context: FlowContext
    var flow: Flow
    let shared: RoutingShared
    var numbers = EndpointNumbers()
    var out = FlowOutput()
    /// Bytes written to each leg since the last look.
    var toClient: [UInt8] = []
    var toUpstream: [UInt8] = []
    var toHedge: [UInt8] = []
    /// The last copy that was sent.
    var mirrored: [UInt8] = []
    /// Everything else that the flow asked for.
    var actions: [FlowAction] = []
    var events: [ProxyEvent] = []

    static let engine = SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 9101)
    static let second = SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 9102)
    static let dialled = SocketAddress(ip: IPAddress(v4: 127, 64, 0, 10), port: 8000)

    /// Takes turns, and tries nothing again that was sent.
    static let once = RoutingPolicy(
        strategy: .roundRobin, retry: RetryPolicy(attempts: 1), breaker: BreakerPolicy(failures: 1000, errorRate: 0))

    /// A flow through the gateway, or captured under a rule that relays what it does not know.
    init(
        _ entrance: FlowRecord.Entrance = .gateway, strict: Bool? = nil, models: [String: [SocketAddress]] = ["m": [engine]],
        shared: RoutingShared = RoutingShared(), room: WaitingRoom? = nil
    ) {
        self.shared = shared
        context = FlowContext(seed: 1, shared: shared, room: room)
        context.now = 1_000_000_000
        let catalog = models.sorted { $0.key < $1.key }.map { name, addresses in
            Model(
                name: name,
                endpoints: addresses.map { Endpoint(host: "e", port: $0.port, authority: "e:\($0.port)", addresses: [$0]) },
                routing: Self.once)
        }
        context.adopt(RoutingTable(catalog), Node())
        let peer = SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 50000)
        var caller = Caller(entrance: entrance, address: peer, dialled: Self.dialled)
        if !(strict ?? (entrance == .gateway)) {
            caller.unknown = .relay
            caller.opaque = .relay
        }
        flow = Flow(caller, &context)
    }

    mutating func client(_ text: String) { give(.client, Array(text.utf8)) }
    mutating func upstream(_ text: String) { give(.upstream, Array(text.utf8)) }

    mutating func give(_ leg: Leg, _ bytes: [UInt8]) {
        flow.received(leg, bytes.span, &context, &out)
        take(bytes)
    }

    mutating func connected(reused: Bool = false) {
        flow.connected(reused: reused, &context, &out)
        take([])
    }

    mutating func connectFailed(isOurs: Bool = false) {
        flow.connectFailed(isOurs ? "Too many open files" : "connection refused", isOurs: isOurs, &context, &out)
        take([])
    }

    mutating func hedgeConnected(reused: Bool = false) {
        flow.hedgeConnected(reused: reused, &context, &out)
        take([])
    }

    mutating func hedgeFailed() {
        flow.hedgeFailed("connection refused", &context, &out)
        take([])
    }

    mutating func ended(_ leg: Leg) {
        flow.ended(leg, &context, &out)
        take([])
    }

    mutating func hungUp() {
        flow.clientHungUp(&context, &out)
        take([])
    }

    mutating func failed(_ leg: Leg) {
        flow.failed(leg, &context, &out)
        take([])
    }

    /// Lets the time pass that the flow allows for what it waits for.
    mutating func timeout() {
        context.now = flow.deadline
        flow.timeout(&context, &out)
        take([])
    }

    mutating func called(_ call: RoomCall) {
        flow.called(call, &context, &out)
        take([])
    }

    mutating func lookAgain() {
        flow.lookAgain(&context, &out)
        take([])
    }

    mutating func abandon() {
        flow.abandon(&context, &out)
        take([])
    }

    /// Takes up what the flow has asked for.
    mutating func settle() { take([]) }

    private mutating func take(_ received: [UInt8]) {
        for action in out.actions {
            if case .mirror(_, _, _, let head, let body) = action {
                mirrored = bytes(head, received) + bytes(body, received)
            }
            guard case .write(let leg, let slice) = action else {
                actions.append(action)
                continue
            }
            switch leg {
            case .client: toClient += bytes(slice, received)
            case .upstream: toUpstream += bytes(slice, received)
            case .hedge: toHedge += bytes(slice, received)
            }
        }
        events += out.events
        out.clear()
    }

    private func bytes(_ slice: Slice, _ received: [UInt8]) -> [UInt8] {
        switch slice.source {
        case .received: Array(received[slice.range])
        case .composed: Array(out.composed[slice.range])
        case .inbox: Array(flow.inbox[slice.range])
        }
    }

    mutating func takeHedge() -> String {
        defer { toHedge = [] }
        return String(decoding: toHedge, as: UTF8.self)
    }

    mutating func takeClient() -> String {
        defer { toClient = [] }
        return String(decoding: toClient, as: UTF8.self)
    }

    mutating func takeUpstream() -> String {
        defer { toUpstream = [] }
        return String(decoding: toUpstream, as: UTF8.self)
    }

    mutating func takeActions() -> [FlowAction] {
        defer { actions = [] }
        return actions
    }
}

enum Text {
    static let body = #"{"messages":[],"model":"m"}"#

    static func post(_ body: String = body, fields: String = "", path: String = "/v1/chat/completions") -> String {
        "POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    static let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
}
