/// A column of `top`.
package struct TopColumn: Hashable, Sendable {
    /// What it is called in JSON, and by `--sort`.
    package let key: String
    package let header: String
    package let isRight: Bool
    /// Left out where the terminal is too narrow, those with the highest rank first; 0: never.
    package let rank: Int

    init(_ key: String, _ header: String, _ rank: Int = 0, left: Bool = false) {
        self.key = key
        self.header = header
        self.rank = rank
        isRight = !left
    }
}

/// What `top` shows, one at a time. The first column of each names its rows.
package enum TopTab: String, CaseIterable, Hashable, Sendable {
    case models, clients, endpoints, flows, groups

    package var title: String { rawValue.prefix(1).uppercased() + rawValue.dropFirst() }

    package var columns: [TopColumn] {
        switch self {
        case .models: Self.ofModels
        case .clients: Self.ofClients
        case .endpoints: Self.ofEndpoints
        case .flows: Self.ofFlows
        case .groups: Self.ofGroups
        }
    }

    /// What it is sorted by at first, the largest on top.
    package var firstSort: String {
        switch self {
        case .models, .clients, .endpoints: "requestsPerSecond"
        case .flows: "bytesOut"
        case .groups: "waiting"
        }
    }

    private static let ofModels: [TopColumn] = [
        .init("model", "MODEL", left: true), .init("requestsPerSecond", "REQ/S"), .init("history", "TREND", 3, left: true),
        .init("tokensPerSecond", "TOK/S"), .init("ttftP50Microseconds", "TTFT P50", 1),
        .init("ttftP95Microseconds", "TTFT P95", 2), .init("active", "ACTIVE"), .init("queued", "QUEUED"),
        .init("refusedPerSecond", "REFUSED/S", 4), .init("failedPerSecond", "FAILED/S", 5), .init("requests", "REQUESTS", 6),
    ]
    private static let ofClients: [TopColumn] = [
        .init("client", "CLIENT", left: true), .init("group", "GROUP", 4, left: true), .init("requestsPerSecond", "REQ/S"),
        .init("history", "TREND", 3, left: true), .init("tokensPerSecond", "TOK/S"), .init("active", "ACTIVE"),
        .init("refusedPerSecond", "REFUSED/S", 1), .init("quotaPercent", "QUOTA %", 2), .init("requests", "REQUESTS", 5),
    ]
    private static let ofEndpoints: [TopColumn] = [
        .init("url", "URL", left: true), .init("model", "MODEL", left: true), .init("state", "STATE", left: true),
        .init("reason", "REASON", 1, left: true), .init("requestsPerSecond", "REQ/S"),
        .init("history", "TREND", 4, left: true), .init("failedPerSecond", "FAILED/S", 2), .init("active", "ACTIVE"),
        .init("ttftMeanMicroseconds", "TTFT", 3), .init("address", "ADDRESS", 6, left: true), .init("requests", "REQUESTS", 5),
    ]
    private static let ofFlows: [TopColumn] = [
        .init("id", "FLOW", left: true), .init("command", "COMMAND", 1, left: true), .init("pid", "PID", 2),
        .init("client", "CLIENT", 3, left: true), .init("model", "MODEL", left: true), .init("state", "STATE", left: true),
        .init("endpoint", "ENDPOINT", 4, left: true), .init("requests", "REQUESTS", 6), .init("bytesIn", "IN", 5),
        .init("bytesOut", "OUT"), .init("ageMilliseconds", "AGE"), .init("workload", "WORKLOAD", 7, left: true),
    ]
    private static let ofGroups: [TopColumn] = [
        .init("group", "GROUP", left: true), .init("model", "MODEL", left: true), .init("waiting", "WAITING"),
        .init("active", "ACTIVE"), .init("entitlement", "ENTITLED", 2), .init("tokensPerSecond", "TOK/S"),
        .init("grantedPerSecond", "GRANTED/S", 3), .init("refusedPerSecond", "REFUSED/S", 1),
        .init("oldestMilliseconds", "OLDEST", 4), .init("priority", "PRIORITY", 5), .init("weight", "WEIGHT", 6),
    ]
}
