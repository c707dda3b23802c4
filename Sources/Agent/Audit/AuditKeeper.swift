internal import Catalog
internal import Control
private import Glibc
internal import Logging
internal import ServiceLifecycle
private import Synchronization

/// Opens where audit lines go, has the proxy write there, rotates, and writes the kernel's decisions there itself.
final class AuditKeeper: Service {
    /// Bytes of the agent's own lines that may wait.
    private static let buffer = 1 << 20
    /// Milliseconds between two looks.
    private static let interval: Int32 = 250

    private enum Outlet {
        case file(AuditFile)
        case standardOutput(AuditDescriptor)
        case webhook(AuditWebhook)

        var descriptor: AuditDescriptor? {
            switch self {
            case .file(let file): file.descriptor
            case .standardOutput(let descriptor): descriptor
            case .webhook(let webhook): webhook.descriptor
            }
        }
    }

    private struct State {
        var sink: Audit.Sink?
        var outlet: Outlet?
        /// What is wrong with the sink now; nil: nothing.
        var fault: String?
        var lines: AuditBatch
        var written: UInt64 = 0
    }

    private let state = Mutex(State(lines: AuditBatch(limit: buffer)))
    private let loss = Mutex(AuditLoss())
    private let hub: EventHub
    private let logger: Logger
    private let tell: @Sendable (AuditDescriptor?) -> Void
    private let pace: AuditWebhook.Pace
    private let stopped = Atomic<Bool>(false)

    /// - Parameter tell: where lines go from now on; nil: nowhere. Called under a lock.
    init(
        hub: EventHub, logger: Logger, pace: AuditWebhook.Pace = AuditWebhook.Pace(),
        tell: @escaping @Sendable (AuditDescriptor?) -> Void
    ) {
        self.hub = hub
        self.logger = logger
        self.pace = pace
        self.tell = tell
    }

    /// What is wrong; nil: nothing.
    var fault: String? { state.withLock { $0.fault } }

    /// Lines that the agent itself has written.
    var written: UInt64 { state.withLock { $0.written } }

    /// From now on this is where lines go. What can't be opened is said, and tried again.
    func adopt(_ audit: Audit?) {
        state.withLock { state in
            guard state.sink != audit?.sink else { return }
            state.sink = audit?.sink
            if case .webhook(let webhook) = state.outlet { webhook.end() }
            state.outlet = nil
            state.fault = nil
            open(&state)
            tell(state.outlet?.descriptor)
        }
    }

    /// A line of the agent's own, with its newline. Never blocks.
    func write(_ line: [UInt8]) {
        state.withLock { state in
            guard state.sink != nil else { return }
            if case .webhook(let webhook) = state.outlet {
                webhook.add(line)
                state.written += 1
            } else {
                state.lines.add(line)
            }
        }
    }

    /// Somebody else lost lines.
    func lost(_ reason: String, _ lines: UInt64) { loss.withLock { $0.add(reason, lines: lines) } }

    /// The proxy has dropped lines, which it counts itself.
    func proxyLost(_ lines: UInt64) {
        loss.withLock { $0.add("audit lines come faster than their sink takes them", lines: lines, isCounted: true) }
    }

    /// Lines that did not come to their sink here.
    var lostLines: UInt64 { loss.withLock { $0.total } }

    func run() async throws {
        try BackgroundThread.start("audit") { self.work() }
        try? await gracefulShutdown()
        stopped.store(true, ordering: .relaxed)
        let webhook = state.withLock { state -> AuditWebhook? in
            if case .webhook(let webhook) = state.outlet { webhook } else { nil }
        }
        if let webhook { await Farewell.wait(for: [webhook]) }
    }

    private func work() {
        while !stopped.load(ordering: .relaxed) {
            look()
            Clocks.pause(milliseconds: Self.interval)
        }
    }

    /// Rotates, opens again, writes what waits, and says what was lost.
    func look() {
        let (descriptor, lines) = state.withLock { state in
            tend(&state)
            return (state.outlet?.descriptor, state.lines.first(Self.buffer))
        }
        if let descriptor, !lines.isEmpty { write(lines, to: descriptor) }
        let dropped = state.withLock { $0.lines.takeDropped() }
        if dropped > 0 { lost("the agent's own audit lines come faster than their sink takes them", dropped) }
        guard let detail = loss.withLock({ $0.take(Clocks.monotonic()) }) else { return }
        logger.error("the audit is not whole", metadata: ["reason": "\(detail)"])
        hub.publish(EventReport(time: Timestamp.now(), kind: .auditFailed, detail: detail))
    }

    /// Outside the lock: it may take its time.
    private func write(_ lines: [UInt8], to descriptor: AuditDescriptor) {
        let count = UInt64(lines.count { $0 == UInt8(ascii: "\n") })
        do {
            try descriptor.write(lines)
            state.withLock { state in
                state.lines.remove(lines.count)
                state.written += count
            }
        } catch {
            state.withLock { $0.lines.remove(lines.count) }
            lost(error.description, count)
        }
    }

    private func tend(_ state: inout State) {
        guard state.sink != nil else { return }
        if state.outlet == nil {
            open(&state)
            if let outlet = state.outlet { tell(outlet.descriptor) }
            return
        }
        guard case .file(var file) = state.outlet else { return }
        let before = file.descriptor
        do {
            if try file.tend() { state.fault = nil }
        } catch {
            complain(error.description, &state)
        }
        state.outlet = .file(file)
        if file.descriptor !== before { tell(file.descriptor) }
    }

    private func open(_ state: inout State) {
        do {
            switch state.sink {
            case nil: return
            case .file(let path, let size, let keep):
                var file = AuditFile(path: path, size: size, keep: keep)
                _ = try file.tend()
                state.outlet = .file(file)
            case .standardOutput:
                let descriptor = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
                guard descriptor >= 0 else { throw SystemError("use", "the standard output for the audit") }
                state.outlet = .standardOutput(AuditDescriptor(descriptor))
            case .webhook(let url, let authorization, let caFile):
                let webhook = try AuditWebhook(url, authorization: authorization, caFile: caFile, pace: pace) { [weak self] in
                    self?.lost($0, $1)
                }
                try webhook.start()
                state.outlet = .webhook(webhook)
            }
            state.fault = nil
        } catch {
            complain("\(error)", &state)
        }
    }

    private func complain(_ fault: String, _ state: inout State) {
        guard state.fault != fault else { return }
        state.fault = fault
        loss.withLock { $0.add(fault, lines: 0) }
    }
}
