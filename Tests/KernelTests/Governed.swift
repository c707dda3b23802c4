import Catalog
import Glibc
import KernelPlane

/// A plane whose destinations belong to models: `127.70.0.N:PORT` (and `::1`) are those of the Nth model, on the path direct,
/// which without endpoints lets the address dialled be reached.
struct Governed {
    let broker: Broker
    let server: Peer
    let port: UInt16
    private(set) var slots: [String: UInt32] = [:]
    private let ground: TestGround

    /// `engine`: the cgroup in which the server lives; `keeping`: it keeps what it has accepted open.
    init(
        _ ground: TestGround, _ models: [ModelEntry], path: CaptureRule.Path = .direct,
        workloads: [UInt64: WorkloadEntry] = [:], engine: String = "out", keeping: Bool = false
    ) throws {
        self.ground = ground
        broker = try Broker(ground, rules: [])
        server = try ground.peer(engine)
        port = try server.listen("s", "0.0.0.0")
        try server("swallow('s', \(keeping ? "True" : "False"))")
        slots = try broker.plane.apply(models: models).byName
        try apply(models, path: path, workloads: workloads)
    }

    func apply(_ models: [ModelEntry], path: CaptureRule.Path = .direct, workloads: [UInt64: WorkloadEntry] = [:]) throws {
        var rules: [CaptureRule] = []
        for (index, model) in models.prefix(200).enumerated() {
            var rule = try rule("127.70.0.\(index + 1)/32", 0, path, .direct)
            rule.model = model.name
            rules.append(rule)
        }
        if let first = models.first, path == .direct {
            var six = try rule("::1/128", port, path, .direct)
            six.model = first.name
            rules.append(six)
        }
        try broker.apply(rules, workloads: workloads, slots: slots)
    }

    func qos(_ name: String = "m") throws -> ModelQoS {
        guard let found = try broker.plane.qos.model(name) else { throw Failure("no model \(name)") }
        return found
    }

    func slot(_ name: String = "m") throws -> UInt32 {
        guard let slot = slots[name] else { throw Failure("no slot for \(name)") }
        return slot
    }

    /// A connection that the broker's own process has accepted, and which it may tag: key `key`.
    func leg(_ key: String, host: String = "127.0.0.1") throws {
        let listener = host == "::1" ? "l6" : "l4"
        let port = host == "::1" ? broker.port6 : broker.port4
        try server("connect('\(key)', '\(host)', \(port))")
        let answer = try broker.proxy("accept('\(listener)', '\(key)')")
        guard answer.contains(" ") else { throw Failure("accept: \(answer)") }
    }
}

/// `name=value` pairs.
func pairs(_ text: String) -> [String: Double] {
    let pairs = text.split(separator: " ").map { $0.split(separator: "=").map(String.init) }
    return Dictionary(pairs.filter { $0.count == 2 }.map { ($0[0], Double($0[1]) ?? .nan) }) { first, _ in first }
}

/// What `hammer` of the peers' script gives beside its counts.
let hammerTimes: Set = ["begin", "end", "first", "last"]

/// What was measured, in seconds where it is `late` by which the measuring process came too late to what it had to do. Measured
/// again where it is not as it should be and the machine let that process wait for longer than this; up to four times.
func undisturbed(
    within tolerated: Double, _ isGood: ([String: Double]) -> Bool, _ measure: () throws -> [String: Double]
) throws -> [String: Double] {
    for _ in 0..<3 {
        let seen = try measure()
        if isGood(seen) || (seen["late"] ?? 0) <= tolerated { return seen }
        print("measured again, since the machine stood still: \(seen)")
    }
    return try measure()
}

/// An entry from its parts.
func qos(_ change: (inout QoS) -> Void) -> QoS {
    var qos = QoS()
    change(&qos)
    return qos
}
