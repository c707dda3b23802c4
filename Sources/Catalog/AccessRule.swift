/// What a request does.
package enum Operation: UInt8, Hashable, Sendable, CaseIterable {
    /// Chat, completions, responses, generation and inference.
    case chat = 0
    /// Embeddings, reranking and scoring.
    case embeddings = 1
    /// Listing and describing models.
    case list = 2
    /// Anything else that is passed on to an endpoint: audio, images, files.
    case other = 3
    /// Changing what a server has: loading, unloading, pulling, deleting.
    case admin = 4

    package var text: String {
        switch self {
        case .chat: "chat"
        case .embeddings: "embeddings"
        case .list: "list"
        case .other: "other"
        case .admin: "admin"
        }
    }
}

package struct Operations: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package init(_ operations: some Sequence<Operation>) {
        self.init(rawValue: operations.reduce(0) { $0 | 1 << $1.rawValue })
    }

    /// What a rule that names none means: everything but `admin`, which has to be given by name.
    package static let usual = Operations([.chat, .embeddings, .list, .other])
    package static let all = Operations(Operation.allCases)

    package func contains(_ operation: Operation) -> Bool { rawValue & 1 << operation.rawValue != 0 }
}

/// Hours of some days of the week, in UTC.
package struct TimeWindow: Hashable, Sendable {
    /// Bit 0 is Sunday, as in cron.
    package var days: UInt8
    /// Minutes since midnight. Where `to` is not after `from` the window lasts until `to` on the next day.
    package var from: UInt16
    package var to: UInt16

    package init(days: UInt8 = 0x7F, from: UInt16 = 0, to: UInt16 = 1440) {
        self.days = days
        self.from = from
        self.to = to
    }

    /// - Parameter epochSeconds: since 1970, UTC.
    package func contains(epochSeconds: Int64) -> Bool {
        let day = epochSeconds.quotientAndRemainder(dividingBy: 86_400)
        guard day.remainder >= 0 else { return false }
        // 1970-01-01 was a Thursday.
        let weekday = Int((day.quotient + 4) % 7)
        let minute = UInt16(day.remainder / 60)
        let isToday = days & 1 << weekday != 0
        if from < to { return isToday && minute >= from && minute < to }
        let wasYesterday = days & 1 << ((weekday + 6) % 7) != 0
        return isToday && minute >= from || wasYesterday && minute < to
    }
}

/// What a client may call, or may not.
package struct AccessRule: Hashable, Sendable, ExpressibleByStringLiteral {
    /// Names of models and pools, or patterns of them: `*` any characters, `?` one.
    package var names: [String]
    package var operations: Operations
    /// Any of them; empty: at all times.
    package var times: [TimeWindow]
    /// What a refusal calls it; empty: it has no name.
    package var name: String

    package init(names: [String], operations: Operations = .usual, times: [TimeWindow] = [], name: String = "") {
        self.names = names
        self.operations = operations
        self.times = times
        self.name = name
    }

    package init(stringLiteral name: String) { self.init(names: [name]) }
}

/// Requests that are refused whoever sends them. Everything that is given must be so for a request to be meant.
package struct FirewallRule: Hashable, Sendable {
    /// What the refusal calls it.
    package var name: String
    /// POSIX extended regular expressions, found anywhere in the text.
    package var method: String?
    package var path: String?
    package var model: String?
    /// Bytes of the body that are too many.
    package var bodyAbove: UInt64?
    /// Names of clients; empty: every caller, also one that is none.
    package var clients: [String]

    package init(
        name: String, method: String? = nil, path: String? = nil, model: String? = nil, bodyAbove: UInt64? = nil,
        clients: [String] = []
    ) {
        self.name = name
        self.method = method
        self.path = path
        self.model = model
        self.bodyAbove = bodyAbove
        self.clients = clients
    }
}

extension TimeWindow {
    private static let names = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]

    /// As the configuration has it: `mon-fri 08:00-18:00`, `sat,sun 00:00-24:00`.
    package var text: String { "\(daysText) \(Self.clock(from))-\(Self.clock(to))" }

    /// Monday first; three days or more in a row as a range.
    private var daysText: String {
        var runs: [[Int]] = []
        for day in [1, 2, 3, 4, 5, 6, 0] where days & 1 << day != 0 {
            if let last = runs.last?.last, (last + 1) % 7 == day { runs[runs.count - 1].append(day) } else { runs.append([day]) }
        }
        return runs.flatMap { run in
            guard run.count > 2, let first = run.first, let last = run.last else { return run.map { Self.names[$0] } }
            return ["\(Self.names[first])-\(Self.names[last])"]
        }.joined(separator: ",")
    }

    private static func clock(_ minutes: UInt16) -> String {
        let parts = [minutes / 60, minutes % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }
        return parts.joined(separator: ":")
    }
}
