internal import Catalog
internal import Control
private import Glibc
private import Synchronization

/// Writes events to a file that is rotated, or to the standard output, on a thread of its own: a disk or a reader that is
/// slow costs events and nothing else.
final class EventOutlet: Farewell.Party {
    enum Sink: Hashable, Sendable {
        case file(EventSinks.File)
        case standardOutput

        var name: String {
            switch self {
            case .file: "events-file"
            case .standardOutput: "events-stdout"
            }
        }

        var target: String {
            switch self {
            case .file(let file): file.path
            case .standardOutput: "stdout"
            }
        }
    }

    /// Bytes of events that may wait.
    private static let limit = 1 << 20

    private struct State {
        var lines = AuditBatch(limit: EventOutlet.limit)
        var sent: UInt64 = 0
        var dropped: UInt64 = 0
        var failures: UInt64 = 0
        var fault: String?
        var lastSuccess: UInt64?
        var isEnded = false
        /// Who waits for nothing to wait any more.
        var done: (@Sendable () -> Void)?
    }

    let sink: Sink
    private let state = Mutex(State())
    private let wake = Wake()

    init(_ sink: Sink) { self.sink = sink }

    func start() throws(SystemError) { try BackgroundThread.start(sink.name) { self.work() } }

    /// Takes a line in, with its newline; never blocks.
    func add(_ line: [UInt8]) {
        state.withLock { state in
            state.lines.add(line)
            state.dropped += state.lines.takeDropped()
        }
        wake.signal()
    }

    /// Nothing more comes; what waits is still written.
    func end() {
        state.withLock { $0.isEnded = true }
        wake.signal()
    }

    func hurry(done: @escaping @Sendable () -> Void) {
        let isIdle = state.withLock { state in
            if !state.lines.isEmpty { state.done = done }
            return state.lines.isEmpty
        }
        if isIdle { done() }
    }

    var report: ExportReport {
        state.withLock { state in
            var report = ExportReport(name: sink.name, target: sink.target)
            (report.sent, report.dropped, report.failures) = (state.sent, state.dropped, state.failures)
            report.waitingBytes = UInt64(state.lines.count)
            (report.fault, report.lastSuccess) = (state.fault, state.lastSuccess)
            return report
        }
    }

    private func work() {
        var file: AuditFile?
        var output: AuditDescriptor?
        switch sink {
        case .file(let terms): file = AuditFile(path: terms.path, size: terms.size, keep: terms.keep)
        case .standardOutput:
            let descriptor = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
            if descriptor >= 0 { output = AuditDescriptor(descriptor) }
        }
        while true {
            let (lines, isEnded) = state.withLock { ($0.lines.first(Self.limit), $0.isEnded) }
            guard !lines.isEmpty else {
                if isEnded { return }
                wake.wait(until: .max)
                continue
            }
            write(lines, &file, output)
            state.withLock { $0.lines.isEmpty ? $0.done.take() : nil }?()
        }
    }

    private func write(_ lines: [UInt8], _ file: inout AuditFile?, _ output: AuditDescriptor?) {
        let count = UInt64(lines.count { $0 == UInt8(ascii: "\n") })
        do throws(SystemError) {
            _ = try file?.tend()
            guard let descriptor = file?.descriptor ?? output else {
                throw SystemError("write events to", sink.target, code: EBADF)
            }
            try descriptor.write(lines)
            state.withLock { state in
                state.lines.remove(lines.count)
                state.sent += count
                (state.fault, state.lastSuccess) = (nil, Clocks.epochSeconds())
            }
        } catch {
            state.withLock { state in
                state.lines.remove(lines.count)
                state.dropped += count
                state.failures += 1
                state.fault = error.description
            }
        }
    }
}
