package import Catalog
internal import Configuration

/// The values of a model's entry by name, in the order in which they are shown.
package enum QoSField: String, Hashable, Sendable, CaseIterable {
    case requests
    case burst
    case tokens
    case tokenBurst
    case connects
    case connectBurst
    case connections
    case bandwidth
    case priority
    case dscp
    case mode
    case service = "class"

    /// The option of `qos set` without its dashes, and how tables name it.
    package var optionName: String {
        switch self {
        case .tokenBurst: "token-burst"
        case .connectBurst: "connect-burst"
        default: rawValue
        }
    }

    /// A limit, which can be taken off; the others always have a value.
    package var isLimit: Bool {
        switch self {
        case .requests, .tokens, .connects, .connections, .bandwidth: true
        case .burst, .tokenBurst, .connectBurst, .priority, .dscp, .mode, .service: false
        }
    }

    /// What the entry says here, as `qos set` takes it; nil: nothing.
    package func text(in qos: QoS) -> String? {
        switch self {
        case .requests: qos.requests.map(QoSText.rate)
        case .burst: qos.burst.map(String.init)
        case .tokens: qos.tokens.map(QoSText.rate)
        case .tokenBurst: qos.tokenBurst.map(String.init)
        case .connects: qos.connects.map(QoSText.rate)
        case .connectBurst: qos.connectBurst.map(String.init)
        case .connections: qos.connections.map(QoSText.count)
        case .bandwidth: qos.bandwidth.map(QoSText.bandwidth)
        case .priority: qos.priority.map(QoSText.priority)
        case .dscp: qos.dscp.map(String.init)
        case .mode: qos.mode?.rawValue
        case .service: qos.service?.rawValue
        }
    }

    /// The same as a number: rates by the second, bandwidth in bytes by the second; nil: it has none or says "none".
    package func amount(in qos: QoS) -> Double? {
        switch self {
        case .requests: qos.requests.flatMap(QoSText.perSecond)
        case .burst: qos.burst.map { Double($0) }
        case .tokens: qos.tokens.flatMap(QoSText.perSecond)
        case .tokenBurst: qos.tokenBurst.map { Double($0) }
        case .connects: qos.connects.flatMap(QoSText.perSecond)
        case .connectBurst: qos.connectBurst.map { Double($0) }
        case .connections: Self.limited(qos.connections)
        case .bandwidth: Self.limited(qos.bandwidth)
        case .priority: qos.priority.map { Double($0) }
        case .dscp: qos.dscp.map { Double($0) }
        case .mode, .service: nil
        }
    }

    private static func limited(_ value: UInt64?) -> Double? {
        value.flatMap { $0 == QoS.unlimited ? nil : Double($0) }
    }
}
