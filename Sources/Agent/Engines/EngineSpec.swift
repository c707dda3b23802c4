internal import Catalog
internal import Control

/// An endpoint on demand as the agent deals with it: one for each URL, whatever models it has.
struct EngineSpec: Hashable, Sendable {
    let url: String
    /// The URL at each of its addresses.
    var keys: [EndpointKey]
    /// The models that it has, and the pools whose fallback it is.
    var names: [String]
    let activation: Activation
    let rule: HealthRule
    /// How it is asked whether it is ready; nil: it has no address yet.
    let plan: InquiryPlan?

    /// Between two such questions, in nanoseconds, and for the answer. One that starts in a moment is seen to be ready in
    /// another one; who loads for minutes is not asked all the time.
    private static let periods: [(until: UInt64, period: UInt64)] = [
        (2_000_000_000, 25_000_000), (10_000_000_000, 100_000_000), (.max, 200_000_000),
    ]
    private static let timeout: UInt64 = 2_000_000_000

    fileprivate init(_ placed: PlacedEndpoint, _ activation: Activation) {
        let endpoint = placed.endpoint
        url = endpoint.url
        keys = placed.keys
        names = [placed.name]
        self.activation = activation
        rule = HealthRule(endpoint)
        let path = endpoint.health.path ?? endpoint.engine.healthPath
        plan =
            endpoint.addresses.isEmpty
            ? nil
            : InquiryPlan(
                addresses: endpoint.addresses,
                request: rule == .connection ? [] : InquiryRequest.bytes("GET", path, to: endpoint), period: 200_000_000,
                timeout: Self.timeout, bodyLimit: nil, tls: endpoint.tls)
    }

    /// How it is asked so long after it was started.
    func plan(after time: UInt64) -> InquiryPlan? {
        var plan = plan
        if let step = Self.periods.first(where: { time < $0.until }) { plan?.period = step.period }
        return plan
    }

    var errand: Errand { Errand(purpose: .readiness, url: url, address: nil) }

    var terms: EngineTerms {
        EngineTerms(
            readyTimeout: Self.nanoseconds(activation.readyTimeout), idleAfter: activation.idleAfter.map(Self.nanoseconds),
            stopTimeout: Self.nanoseconds(activation.stopTimeout), set: activation.oneOf)
    }

    /// Whether it answered as it should.
    func isReady(_ outcome: Inquiry.Outcome) -> Bool {
        switch outcome {
        case .connected: true
        case .replied(let reply): rule.fault(status: reply.status) == nil
        case .failed, .unknown: false
        }
    }

    private static func nanoseconds(_ milliseconds: Int) -> UInt64 { UInt64(max(0, milliseconds)) * 1_000_000 }
}

extension Catalog {
    /// The endpoints on demand. Where several endpoints are the same server, the first one that says how it is started
    /// counts.
    var engineSpecs: [EngineSpec] {
        var order: [String] = []
        var specs: [String: EngineSpec] = [:]
        let placed = placedEndpoints
        for place in placed {
            guard let activation = place.endpoint.activation, specs[place.endpoint.url] == nil else { continue }
            order.append(place.endpoint.url)
            specs[place.endpoint.url] = EngineSpec(place, activation)
        }
        for place in placed {
            guard var spec = specs[place.endpoint.url] else { continue }
            if !spec.names.contains(place.name) { spec.names.append(place.name) }
            spec.keys += place.keys.filter { !spec.keys.contains($0) }
            specs[spec.url] = spec
        }
        return order.compactMap { specs[$0] }
    }
}

extension Activation.Method {
    /// As reports have it.
    var text: String {
        switch self {
        case .exec: "exec"
        case .http: "http"
        case .unit: "unit"
        }
    }

    var program: EngineProgram? {
        if case .exec(let program) = self { program } else { nil }
    }
}

extension EngineProgram {
    /// What tells it from another one, after a restart of the agent too.
    var fingerprint: String {
        var fields = command + ["", user ?? "", directory ?? ""]
        for (name, value) in environment.sorted(by: { $0.key < $1.key }) { fields += [name, value] }
        return Fingerprint.of(fields)
    }
}

/// FNV-1a, the same in every run.
enum Fingerprint {
    static func of(_ fields: [String]) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for field in fields {
            for byte in Array(field.utf8) + [0xFF] {
                hash ^= UInt64(byte)
                hash &*= 0x100_0000_01B3
            }
        }
        return String(hash, radix: 16)
    }
}
