import Catalog
import KernelPlane

/// The plane with a configuration in force and a stand-in for the proxy behind it.
struct Broker {
    let plane: KernelPlane
    let proxy: Peer
    /// Ports of the proxy's listeners on 127.0.0.1 and ::1.
    let port4: UInt16
    let port6: UInt16
    private let ground: TestGround

    init(_ ground: TestGround, rules: [CaptureRule], workloads: [UInt64: WorkloadEntry] = [:], listening: Bool = true) throws {
        self.ground = ground
        plane = try KernelPlane.open(ground.location)
        proxy = try ground.peer("broker/proxy")
        port4 = try proxy.listen("l4", "127.0.0.1")
        port6 = try proxy.listen("l6", "::1")
        try proxy("map_open('map', '\(ground.location.pinDirectory)/maps/listeners')")
        if listening {
            try put("l4", .host4)
            try put("l6", .host6)
        }
        try apply(rules, workloads: workloads)
    }

    func apply(
        _ rules: [CaptureRule], workloads: [UInt64: WorkloadEntry] = [:], pods: [SocketAddress?] = [nil, nil],
        generation: UInt64 = 1, slots: [String: UInt32] = [:]
    ) throws {
        let targets: [SocketAddress?] = [
            SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: port4),
            SocketAddress(ip: IPAddress(family: .v6, high: 0, low: 1), port: port6),
        ]
        guard let cookie = HostFacts.hostNetnsCookie() else { throw Failure("no cookie") }
        let settings = PlaneSettings(generation: generation, hostNetnsCookie: cookie, targets: targets + pods)
        try plane.apply(settings: settings, rules: rules, workloads: workloads, slots: slots)
    }

    func put(_ listener: String, _ slot: ListenerSlot) throws {
        let answer = try proxy("map_put('map', \(slot.rawValue), '\(listener)')")
        guard answer == "put" else { throw Failure("listener into the map: \(answer)") }
    }

    /// A counter of the plane.
    func counter(_ name: String) throws -> UInt64 {
        guard let found = try plane.inspector().counters().first(where: { $0.name == name }) else {
            throw Failure("no counter \(name)")
        }
        return found.value
    }

    var flowOrigins: Int {
        get throws { try plane.inspector().dump(map: "flow_origins").count }
    }

    /// The events there are.
    func events() throws -> [KernelEvent] {
        var found: [KernelEvent] = []
        try plane.pollEvents(timeoutMilliseconds: 0) { found.append($0) }
        return found
    }
}

/// A rule for one destination, `127.64.0.0/16` and a port.
func rule(
    _ network: String, _ port: UInt16, _ path: CaptureRule.Path = .proxy, _ whenDown: CaptureRule.WhenProxyDown = .refuse
) throws -> CaptureRule {
    let parts = network.split(separator: "/")
    guard parts.count == 2, let address = IPAddress(String(parts[0])), let prefix = Int(parts[1]),
        let block = CIDR(address: address, prefixLength: prefix)
    else { throw Failure("no network: \(network)") }
    return CaptureRule(
        name: network, to: [Destination(network: block, port: port)], path: path, whenProxyDown: whenDown)
}
