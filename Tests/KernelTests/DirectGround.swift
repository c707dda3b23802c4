import Catalog
import Glibc
import KernelPlane

/// The model `m` at `127.70.0.1` (any port) and `[::1]:PORT`, with engines of its own on the path direct.
struct DirectGround {
    let governed: Governed
    let engines: Peer
    private(set) var endpoints: [DirectEndpoint] = []

    /// An engine of each weight on 127.0.0.1 (or the other address), in one process; each swallows and keeps what it accepts.
    init(
        _ ground: TestGround, weights: [UInt16], host: String = "127.0.0.1", workloads: [UInt64: WorkloadEntry] = [:],
        http: Bool = false, dribble: Bool = false
    ) throws {
        governed = try Governed(ground, [ModelEntry(name: "m")], workloads: workloads, keeping: true)
        engines = try ground.peer("out")
        for (index, weight) in weights.enumerated() {
            let port = try engines.listen("e\(index)", host)
            let serving = http ? "engine('e\(index)', \(dribble ? "True" : "False"))" : "swallow('e\(index)', True)"
            try engines(serving)
            endpoints.append(DirectEndpoint(address: try address(host, port), weight: weight))
        }
        try put(endpoints)
    }

    /// Where callers go.
    var port: UInt16 { governed.port }
    var plane: KernelPlane { governed.broker.plane }

    func put(_ endpoints: [DirectEndpoint]) throws {
        try plane.apply(endpointSets: [try governed.slot(): endpoints])
    }

    func setUsable(_ usable: Bool, _ index: Int) throws {
        try plane.setUsable(usable, endpoints[index].address, model: try governed.slot())
    }

    func readings() throws -> [EndpointReading] { try plane.inspector().endpoints(model: try governed.slot()) }

    func open() throws -> [UInt64] { try readings().map(\.open) }

    func picked() throws -> [UInt64] { try readings().map(\.picked) }

    func meters() throws -> [MeterReading] { try plane.inspector().meters(model: try governed.slot()) }
}

/// A socket's address from its parts.
func address(_ host: String, _ port: UInt16) throws -> SocketAddress {
    guard let ip = IPAddress(host) else { throw Failure("no address: \(host)") }
    return SocketAddress(ip: ip, port: port)
}
