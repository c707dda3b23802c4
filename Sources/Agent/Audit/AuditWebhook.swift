internal import Catalog
private import Glibc
private import Synchronization

/// Sends audit lines to a web server: whoever writes into the pipe never waits for it as long as there is room.
final class AuditWebhook: Sendable {
    struct Pace: Sendable {
        /// Bytes that may wait, and bytes of one request.
        var buffer = 8 << 20
        var batch = 512 << 10
        /// Milliseconds for lines to gather, and before the first, second, … repetition.
        var gathering: Int32 = 1000
        var waits: [Int32] = [500, 2000, 5000]
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
    private let batch: Mutex<AuditBatch>
    /// Nobody writes any more; and what was written is sent, or given up.
    private let isEnded = Atomic<Bool>(false)
    private let isDone = Atomic<Bool>(false)
    private let isHurried = Atomic<Bool>(false)

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
        batch = Mutex(AuditBatch(limit: pace.buffer))
    }

    func start() throws(SystemError) {
        try BackgroundThread.start("audit-reader") { [self] in read() }
        try BackgroundThread.start("audit-sender") { [self] in send() }
    }

    var descriptor: AuditDescriptor? { sink.withLock { $0 } }

    /// Its threads end once all others who write have let go of the descriptor, too, and what was written is sent, or given up.
    func end() { sink.withLock { $0 = nil } }

    /// Nobody writes any more, and nothing of what was written waits.
    var isOver: Bool { isDone.load(ordering: .relaxed) }

    /// A line of the agent's own.
    func add(_ line: [UInt8]) { batch.withLock { $0.add(line) } }

    /// What waits is to be sent at once, without repetitions: the agent ends.
    func hurry() { isHurried.store(true, ordering: .relaxed) }

    var isIdle: Bool { batch.withLock { $0.isEmpty } || isDone.load(ordering: .relaxed) }

    private func read() {
        defer { close(reading) }
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let got = Glibc.read(reading, &chunk, chunk.count)
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { break }
            batch.withLock { $0.feed(chunk[..<got]) }
        }
        isEnded.store(true, ordering: .releasing)
    }

    private func send() {
        var trust = TLSTrust()
        while true {
            let ended = isEnded.load(ordering: .acquiring)
            gather(until: ended)
            let lines = batch.withLock { $0.first(pace.batch) }
            if !lines.isEmpty { deliver(lines, &trust) }
            let dropped = batch.withLock { $0.takeDropped() }
            if dropped > 0 {
                lost("audit lines come faster than \(call.address.authority) takes them, or it does not take them", dropped)
            }
            if ended, lines.isEmpty { break }
        }
        isDone.store(true, ordering: .relaxed)
    }

    /// Waits for a full batch, or for the time to be over.
    private func gather(until ended: Bool) {
        let step: Int32 = min(20, pace.gathering)
        var waited: Int32 = 0
        while !ended, waited < pace.gathering, !isHurried.load(ordering: .relaxed), batch.withLock({ $0.count }) < pace.batch {
            Clocks.pause(milliseconds: step)
            waited += step
        }
        // Not in circles while there is nothing to hurry with.
        if waited == 0, batch.withLock({ $0.isEmpty }), !ended { Clocks.pause(milliseconds: step) }
    }

    private func deliver(_ lines: [UInt8], _ trust: inout TLSTrust) {
        var call = call
        call.body = lines
        var fault = ""
        for attempt in 0...pace.waits.count {
            switch call.run(&trust) {
            case .replied(let reply) where (200..<300).contains(reply.status):
                return batch.withLock { $0.remove(lines.count) }
            case .replied(let reply): fault = "status \(reply.status)"
            case .failed(let reason), .unknown(let reason): fault = reason
            case .connected: fault = "no answer"
            }
            guard attempt < pace.waits.count, !isHurried.load(ordering: .relaxed) else { break }
            Clocks.pause(milliseconds: pace.waits[attempt])
        }
        let dropped = batch.withLock { batch in
            batch.giveUp(lines.count)
            return batch.takeDropped()
        }
        lost("\(call.address.authority) does not take audit lines: \(fault)", dropped)
    }
}
