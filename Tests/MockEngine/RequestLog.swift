import FoundationEssentials
import Synchronization

/// What the engine received and sent, for `GET /debug/requests`.
final class RequestLog: Sendable {
    /// One request. Heads are kept as received, bodies as digests.
    struct Record: Encodable, Sendable {
        var seq: Int
        var connection: Int
        var peer: String
        var method = ""
        var target = ""
        var head: String
        var bodyBytes = 0
        var bodySha256 = ""
        /// The request arrived to its last byte.
        var complete = false
        /// The client went away before the answer's last byte.
        var cancelled = false
        var status = 0
        /// Bytes of the answer's body, without framing.
        var sentBytes = 0
        var sentSha256 = ""
        var malformed: String?
    }

    private struct Report: Encodable {
        var engine: String
        var count: Int
        var cancelled: Int
        var connections: Int
        var open: Int
        var requests: [Record]
    }

    private struct State {
        var records: [Record] = []
        var count = 0
        var cancelled = 0
        var connections = 0
        var open = 0
    }

    /// Only the latest records are kept, so that a load test does not fill the memory: so many, and up to twice as many.
    private let kept: Int
    private let state = Mutex(State())

    init(keeping kept: Int) { self.kept = kept }

    func opened() -> Int {
        state.withLock { state in
            state.connections += 1
            state.open += 1
            return state.connections
        }
    }

    func closed() { state.withLock { $0.open -= 1 } }

    /// A request begins; returns its number.
    func begin(connection: Int, peer: String, head: RequestHead?, malformed: String? = nil) -> Int {
        state.withLock { state in
            state.count += 1
            let raw = Data(head?.raw ?? []).base64EncodedString()
            var record = Record(seq: state.count, connection: connection, peer: peer, head: raw, malformed: malformed)
            record.method = head?.method ?? ""
            record.target = head?.target ?? ""
            if state.records.count >= 2 * kept { state.records.removeFirst(kept) }
            state.records.append(record)
            return state.count
        }
    }

    func update(_ seq: Int, _ change: (inout Record) -> Void) {
        state.withLock { state in
            guard let index = state.records.lastIndex(where: { $0.seq == seq }) else { return }
            let before = state.records[index].cancelled
            change(&state.records[index])
            if state.records[index].cancelled, !before { state.cancelled += 1 }
        }
    }

    func reset() {
        state.withLock { state in
            state.records = []
            state.count = 0
            state.cancelled = 0
        }
    }

    /// Everything kept, as JSON.
    func report(engine: String) -> [UInt8] {
        let report = state.withLock { state in
            Report(
                engine: engine, count: state.count, cancelled: state.cancelled, connections: state.connections,
                open: state.open, requests: state.records)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        encoder.keyEncodingStrategy = .convertToSnakeCase
        guard let data = try? encoder.encode(report) else { return [] }
        return [UInt8](data)
    }
}
