internal import Catalog
private import Glibc
private import Synchronization

/// Sends audit lines to a web server: whoever writes into the pipe never waits for it as long as there is room.
final class AuditWebhook: Farewell.Party {
    struct Pace: Sendable {
        /// Bytes that may wait, and bytes of one request.
        var buffer = 8 << 20
        var batch = 512 << 10
        /// Milliseconds for lines to gather, and before the first, second, … repetition.
        var gathering: UInt64 = 1000
        var waits: [UInt64] = [500, 2000, 5000]
        /// Nanoseconds for one request.
        var timeout: UInt64 = 10_000_000_000
    }

    /// Where lines are written to; none once it has been ended. The threads hold this object, so that it must not hold this
    /// end of the pipe for them: the other one would never come to its end.
    private let sink: Mutex<AuditDescriptor?>
    private let reading: Int32
    private let call: WebCall
    private let pace: Pace
    private let lost: @Sendable (_ reason: String, _ lines: UInt64) -> Void
    private let state: Mutex<State>
    /// What the sender waits on.
    private let wake = Wake()

    private struct State {
        var batch: AuditBatch
        /// Nobody writes any more; and what was written is sent, or given up.
        var isEnded = false
        var isDone = false
        var isHurried = false
        /// Who waits for nothing to wait any more.
        var done: (@Sendable () -> Void)?

        var isIdle: Bool { batch.isEmpty || isDone }
    }

    /// - Parameter lost: called on threads of its own.
    init(
        _ url: String, authorization: Secret?, caFile: String?, pace: Pace = Pace(),
        lost: @escaping @Sendable (_ reason: String, _ lines: UInt64) -> Void
    ) throws(AgentError) {
        guard let address = WebAddress(url) else { throw AgentError("audit.webhook: \(url) is no URL that lines can be sent to") }
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw AgentError(SystemError("make", "the audit's pipe")) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        // F_SETPIPE_SZ; smaller is as well.
        _ = fcntl(ends[1], 1031, 1 << 20)
        reading = ends[0]
        sink = Mutex(AuditDescriptor(ends[1]))
        var headers = ["Content-Type: application/x-ndjson"]
        if let value = authorization?.reveal, value.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) {
            headers.append("Authorization: \(value)")
        }
        call = WebCall(
            method: "POST", address: address, caFile: caFile, headers: headers, timeout: pace.timeout, bodyLimit: 64 << 10)
        self.pace = pace
        self.lost = lost
        state = Mutex(State(batch: AuditBatch(limit: pace.buffer)))
    }

    func start() throws(SystemError) {
        try BackgroundThread.start("audit-reader") { [self] in read() }
        try BackgroundThread.start("audit-sender") { [self] in send() }
    }

    var descriptor: AuditDescriptor? { sink.withLock { $0 } }

    /// Its threads end once all others who write have let go of the descriptor, too, and what was written is sent, or given up.
    func end() { sink.withLock { $0 = nil } }

    /// Nobody writes any more, and nothing of what was written waits.
    var isOver: Bool { state.withLock { $0.isDone } }

    /// A line of the agent's own.
    func add(_ line: [UInt8]) {
        state.withLock { $0.batch.add(line) }
        wake.signal()
    }

    func hurry(done: @escaping @Sendable () -> Void) {
        let isIdle = state.withLock { state in
            state.isHurried = true
            if !state.isIdle { state.done = done }
            return state.isIdle
        }
        if isIdle { done() }
        wake.signal()
    }

    var isIdle: Bool { state.withLock { $0.isIdle } }

    private func read() {
        defer { close(reading) }
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let got = Glibc.read(reading, &chunk, chunk.count)
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { break }
            state.withLock { $0.batch.feed(chunk[..<got]) }
            wake.signal()
        }
        state.withLock { $0.isEnded = true }
        wake.signal()
    }

    private func send() {
        var trust = TLSTrust()
        while true {
            gather()
            let (lines, ended) = state.withLock { ($0.batch.first(pace.batch), $0.isEnded) }
            if !lines.isEmpty { deliver(lines, &trust) }
            let (dropped, done) = state.withLock { state in
                if ended, lines.isEmpty { state.isDone = true }
                return (state.batch.takeDropped(), state.isIdle ? state.done.take() : nil)
            }
            if dropped > 0 {
                lost("audit lines come faster than \(call.address.authority) takes them, or it does not take them", dropped)
            }
            done?()
            if ended, lines.isEmpty { return }
        }
    }

    /// Waits for a full batch, for its first line to have waited long enough, or for the end.
    private func gather() {
        var deadline: UInt64?
        while true {
            let (count, isUrgent) = state.withLock { state in
                (state.batch.count, state.isEnded || state.batch.dropped > 0 || state.isHurried && !state.batch.isEmpty)
            }
            let now = Clocks.monotonic()
            if count > 0, deadline == nil { deadline = now + pace.gathering * 1_000_000 }
            if isUrgent || count >= pace.batch || deadline.map({ now >= $0 }) == true { return }
            wake.wait(until: deadline ?? .max)
        }
    }

    /// Before the next attempt; hurried, there is none.
    private func pause(_ milliseconds: UInt64) {
        let deadline = Clocks.monotonic() + milliseconds * 1_000_000
        while Clocks.monotonic() < deadline, !isHurried { wake.wait(until: deadline) }
    }

    private var isHurried: Bool { state.withLock { $0.isHurried } }

    private func deliver(_ lines: [UInt8], _ trust: inout TLSTrust) {
        var call = call
        call.body = lines
        var fault = ""
        for attempt in 0...pace.waits.count {
            switch call.run(&trust) {
            case .replied(let reply) where (200..<300).contains(reply.status):
                return state.withLock { $0.batch.remove(lines.count) }
            case .replied(let reply): fault = "status \(reply.status)"
            case .failed(let reason), .unknown(let reason): fault = reason
            case .connected: fault = "no answer"
            }
            guard attempt < pace.waits.count, !isHurried else { break }
            pause(pace.waits[attempt])
        }
        let dropped = state.withLock { state in
            state.batch.giveUp(lines.count)
            return state.batch.takeDropped()
        }
        lost("\(call.address.authority) does not take audit lines: \(fault)", dropped)
    }
}
