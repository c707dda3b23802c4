import Glibc
import Synchronization

/// Which requests were served, in the order in which their service began, for `GET /debug/served`; and, where the options name a
/// file, a line there for each and for each start of an engine, which outlives the process.
final class ServiceLog: Sendable {
    /// Times are of CLOCK_MONOTONIC, in nanoseconds.
    struct Entry: Sendable {
        /// `mock_id` of the request.
        var id: String
        var seq: Int
        var model: String
        var tokens: Int
        var arrived: UInt64
        var began: UInt64
        /// 0: it is under way.
        var ended: UInt64 = 0
        var cancelled = false

        /// `[id, seq, model, tokens, arrived, began, ended, cancelled]`
        var json: String {
            "[\(quoted(id)),\(seq),\(quoted(model)),\(tokens),\(arrived),\(began),\(ended),\(cancelled)]"
        }
    }

    private struct State {
        var entries: [Entry] = []
        /// Entries before the first one kept.
        var dropped = 0
    }

    private static let kept = 100_000
    private let state = Mutex(State())
    private let journal: Int32
    private let engine: String

    /// - Parameter path: of the journal; nil: there is none.
    init(engine: String, path: String?) {
        self.engine = engine
        journal = path.map { open($0, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666) } ?? -1
    }

    /// Returns the entry's number.
    func begin(_ entry: Entry) -> Int {
        note("served", "\"id\":\(quoted(entry.id)),\"model\":\(quoted(entry.model)),\"arrived\":\(entry.arrived)")
        return state.withLock { state in
            if state.entries.count >= 2 * Self.kept {
                state.entries.removeFirst(Self.kept)
                state.dropped += Self.kept
            }
            state.entries.append(entry)
            return state.dropped + state.entries.count - 1
        }
    }

    func end(_ number: Int, at time: UInt64, cancelled: Bool) {
        state.withLock { state in
            guard state.entries.indices.contains(number - state.dropped) else { return }
            state.entries[number - state.dropped].ended = time
            state.entries[number - state.dropped].cancelled = cancelled
        }
    }

    func reset() {
        state.withLock { state in
            state.dropped += state.entries.count
            state.entries = []
        }
    }

    /// A line of the journal; `fields` are JSON members.
    func note(_ event: String, _ fields: String = "") {
        guard journal >= 0 else { return }
        let more = fields.isEmpty ? "" : "," + fields
        let head =
            "\"event\":\(quoted(event)),\"engine\":\(quoted(engine)),\"pid\":\(getpid()),\"ns\":\(AnswerWriter.monotonic())"
        let line = Array("{\(head)\(more)}\n".utf8)
        // One write to a file opened for appending: lines of several engines do not mix.
        _ = line.withUnsafeBytes { write(journal, $0.baseAddress, $0.count) }
    }

    func report(_ slots: Slots.Figures) -> String {
        let entries = state.withLock { $0.entries }
        let limit = slots.limit.map(String.init) ?? "null"
        let figures = "\"limit\":\(limit),\"running\":\(slots.running),\"waiting\":\(slots.waiting),\"most\":\(slots.most)"
        return "{\"engine\":\(quoted(engine)),\(figures),\"served\":[\(entries.map(\.json).joined(separator: ","))]}"
    }
}
