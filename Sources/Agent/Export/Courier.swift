internal import Control
private import Synchronization

/// Sends one kind of thing to one web server, on a thread of its own: whoever has something for it never waits.
final class Courier: Farewell.Party {
    /// How servers of a kind say that something may be sent again.
    enum Dialect: Sendable {
        case remoteWrite
        case otlp
        case webhook

        func verdict(_ reply: Reply) -> ParcelQueue.Outcome {
            if (200..<300).contains(reply.status) { return .taken }
            let isTemporary =
                switch self {
                case .remoteWrite: reply.status == 429 || reply.status >= 500
                // "All other 4xx or 5xx response status codes MUST NOT be retried."
                case .otlp: [429, 502, 503, 504].contains(reply.status)
                case .webhook: reply.status == 408 || reply.status == 429 || reply.status >= 500
                }
            let fault = "status \(reply.status)"
            return isTemporary ? .failed(fault, after: reply.retryAfter) : .refused(fault)
        }
    }

    private struct State {
        var queue = ParcelQueue()
        /// nil: nowhere.
        var call: WebCall?
        /// Makes the body of a request of what was added.
        var envelope: @Sendable ([UInt8]) -> [UInt8] = { $0 }
        var isRunning = false
        var isHurried = false
        /// Who waits for nothing to wait any more.
        var done: (@Sendable () -> Void)?
        /// When the server last took something, by the wall clock.
        var lastSuccess: UInt64?
    }

    /// As `ExportReport` and the metrics have it.
    let name: String
    private let dialect: Dialect
    private let state = Mutex(State())
    private let wake = Wake()

    init(_ name: String, _ dialect: Dialect) {
        self.name = name
        self.dialect = dialect
    }

    /// Sends to another server from now on, also what waits already; nil: to none, and what waits is given up.
    ///
    /// - Throws: when there is no thread for it.
    func use(
        _ call: WebCall?, _ terms: ParcelQueue.Terms = ParcelQueue.Terms(),
        envelope: @escaping @Sendable ([UInt8]) -> [UInt8] = { $0 }
    ) throws(SystemError) {
        let isToStart = state.withLock { state in
            state.call = call
            state.envelope = envelope
            if call == nil { state.queue.giveUp() } else { state.queue.terms = terms }
            defer { if call != nil { state.isRunning = true } }
            return call != nil && !state.isRunning
        }
        wake.signal()
        guard isToStart else { return }
        do throws(SystemError) {
            try BackgroundThread.start("export-\(name)") { self.work() }
        } catch {
            state.withLock { $0.isRunning = false }
            throw error
        }
    }

    /// Takes something in; never blocks. Without a server nothing is taken.
    func add(_ body: [UInt8], items: UInt64) {
        let isNews = state.withLock { state in
            guard state.call != nil else { return false }
            state.queue.add(body, items: items, now: Clocks.monotonic())
            return true
        }
        if isNews { wake.signal() }
    }

    func hurry(done: @escaping @Sendable () -> Void) {
        let isIdle = state.withLock { state in
            state.isHurried = true
            // Nothing waits, or nobody would take it.
            let isIdle = state.call == nil || state.queue.isEmpty || !state.isRunning
            if !isIdle { state.done = done }
            return isIdle
        }
        if isIdle { done() }
        wake.signal()
    }

    /// nil: there is no server.
    var report: ExportReport? {
        state.withLock { state in
            guard let call = state.call else { return nil }
            let tally = state.queue.tally
            var report = ExportReport(name: name, target: call.address.authority)
            (report.sent, report.refused) = (tally.sent, tally.refused)
            (report.dropped, report.failures) = (tally.dropped, tally.failures)
            report.waitingBytes = UInt64(state.queue.bytes)
            report.fault = state.queue.fault
            report.lastSuccess = state.lastSuccess
            return report
        }
    }

    // MARK: - The thread

    private enum Errand {
        case send(WebCall, [UInt8])
        case wait(UInt64?)
    }

    private func work() {
        var trust = TLSTrust()
        while true {
            switch nextErrand() {
            case .wait(let deadline): wake.wait(until: deadline ?? .max)
            case .send(var call, let body):
                call.body = body
                let outcome = run(call, &trust)
                let now = Clocks.monotonic()
                let done = state.withLock { state in
                    state.queue.ended(outcome, now: now)
                    if outcome == .taken { state.lastSuccess = Clocks.epochSeconds() }
                    if state.isHurried, outcome != .taken || state.call == nil { state.queue.giveUp() }
                    return state.queue.isEmpty ? state.done.take() : nil
                }
                done?()
            }
        }
    }

    private func nextErrand() -> Errand {
        let (step, call, envelope) = state.withLock { state in
            let step = state.call == nil ? .wait(until: nil) : state.queue.next(now: Clocks.monotonic(), hurried: state.isHurried)
            return (step, state.call, state.envelope)
        }
        guard case .send(let parcel) = step, let call else {
            if case .wait(let deadline) = step { return .wait(deadline) }
            return .wait(nil)
        }
        return .send(call, envelope(parcel.body))
    }

    private func run(_ call: WebCall, _ trust: inout TLSTrust) -> ParcelQueue.Outcome {
        switch call.run(&trust) {
        case .replied(let reply): dialect.verdict(reply)
        case .failed(let reason), .unknown(let reason): .failed(reason, after: nil)
        case .connected: .failed("no answer", after: nil)
        }
    }
}
