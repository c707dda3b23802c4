import CLinux
import Control
import Glibc
import Reactor
import Synchronization

/// Writes the audit lines of all event loops, on a thread of its own: a sink that is slow holds up nobody but itself.
/// Until there is a sink, and while nobody reads where it leads, lines wait up to their bound. The first line after a
/// pause is written at once; while there are more, the thread gathers them for a moment: to wake it for each would cost
/// more than to write it.
final class AuditWriter: Sendable {
    /// Milliseconds that lines are gathered.
    private static let pause: Int32 = 20
    /// So many bytes of one event loop are not gathered any longer.
    private static let plenty = 1 << 20

    private struct State {
        /// What is to be written to from now on; negative: nothing. nil: there is no change.
        var next: Int32?
        var channels: [AuditLines] = []
        var isRunning = false
        var isStopping = false
    }

    private let state = Mutex(State())
    private let wake: Int32
    /// Nothing is left to write, or nobody takes it: told once it is stopping.
    private let finished: Int32
    /// The thread waits for the first line.
    private let isIdle = Atomic<Bool>(false)
    private let written = Atomic<UInt64>(0)
    private let dropped = Atomic<UInt64>(0)

    /// - Throws: when no descriptors can be had.
    init() throws(SystemError) {
        wake = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        let code = errno
        guard wake >= 0 else { throw SystemError("eventfd", code) }
        finished = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        let secondCode = errno
        guard finished >= 0 else {
            _ = Glibc.close(wake)
            throw SystemError("eventfd", secondCode)
        }
    }

    deinit {
        _ = Glibc.close(wake)
        _ = Glibc.close(finished)
        state.withLock { state in
            if let next = state.next, next >= 0 { _ = Glibc.close(next) }
        }
    }

    // MARK: - For the event loops and the link

    /// A way for one event loop's lines.
    func channel() -> AuditLines {
        let lines = AuditLines()
        state.withLock { $0.channels.append(lines) }
        return lines
    }

    /// Hands lines over; `bytes` is empty afterwards.
    func write(_ bytes: inout [UInt8], lines: Int, _ channel: AuditLines) {
        let count = bytes.count
        let (lost, waiting) = channel.put(&bytes, lines: lines)
        if lost > 0 { dropped.add(UInt64(lost), ordering: .relaxed) }
        let isPlenty = waiting >= Self.plenty && waiting - count < Self.plenty
        let isAwaited =
            isIdle.load(ordering: .sequentiallyConsistent) && isIdle.exchange(false, ordering: .sequentiallyConsistent)
        if isAwaited || isPlenty { _ = eventfd_write(wake, 1) }
    }

    /// Writes to `descriptor` from now on.
    ///
    /// - Throws: when there is no thread to do it.
    func use(_ descriptor: consuming Descriptor) throws(SystemError) {
        change(to: descriptor.take())
        let isRunning = state.withLock { state in
            defer { state.isRunning = true }
            return state.isRunning
        }
        guard !isRunning else { return }
        do throws(SystemError) {
            try BackgroundThread.start { self.run() }
        } catch {
            state.withLock { $0.isRunning = false }
            throw error
        }
    }

    /// Writes nothing any more; what waits is dropped.
    func useNothing() { change(to: -1) }

    private func change(to descriptor: Int32) {
        state.withLock { state in
            if let next = state.next, next >= 0 { _ = Glibc.close(next) }
            state.next = descriptor
        }
        _ = eventfd_write(wake, 1)
    }

    func fill(_ statistics: inout ProxyStatistics) {
        statistics.auditLines += written.load(ordering: .relaxed)
        statistics.auditDropped += dropped.load(ordering: .relaxed)
    }

    /// Waits until everything handed over has been written, for up to `milliseconds`.
    func finish(milliseconds: Int32) {
        let isRunning = state.withLock { state in
            state.isStopping = true
            return state.isRunning
        }
        guard isRunning else { return }
        _ = eventfd_write(wake, 1)
        var polled = pollfd(fd: finished, events: Int16(POLLIN), revents: 0)
        _ = poll(&polled, 1, milliseconds)
    }

    // MARK: - The thread

    private func run() -> Never {
        var sink = Sink.awaited
        var batch = AuditLines.Batch()
        var start = 0
        while true {
            let isStopping = takeUp(&sink)
            if start == batch.bytes.count {
                gather(&batch)
                start = 0
            }
            if case .none = sink, batch.lines > 0 {
                dropped.add(UInt64(batch.lines), ordering: .relaxed)
                batch.clear()
                continue
            }
            guard !batch.bytes.isEmpty, case .open(let open) = sink else {
                if isStopping { _ = eventfd_write(finished, 1) }
                sleepUntilWoken(-1)
                continue
            }
            switch open.write(batch.bytes, from: &start, isReady: mayWrite) {
            case .written:
                written.add(UInt64(batch.lines), ordering: .relaxed)
                if !isStopping { sleepUntilWoken(Self.pause) }
            case .interrupted: break
            case .gone: sink = .awaited
            case .failed(let lines):
                dropped.add(UInt64(lines), ordering: .relaxed)
                written.add(UInt64(max(0, batch.lines - lines)), ordering: .relaxed)
            }
        }
    }

    private enum Sink {
        /// There is to be one.
        case awaited
        case none
        case open(AuditSink)
    }

    /// Takes up another sink, if there is one; whether it is time to stop.
    private func takeUp(_ sink: inout Sink) -> Bool {
        var value: eventfd_t = 0
        _ = eventfd_read(wake, &value)
        let (next, isStopping) = state.withLock { state in (state.next.take(), state.isStopping) }
        if let next { sink = next < 0 ? .none : .open(AuditSink(Descriptor(owning: next))) }
        return isStopping
    }

    /// Takes the lines of one event loop, or says that there are none and looks once more: between the two somebody may have
    /// brought one without waking anybody.
    private func gather(_ batch: inout AuditLines.Batch) {
        batch.clear()
        let channels = state.withLock { $0.channels }
        isIdle.store(false, ordering: .sequentiallyConsistent)
        for _ in 0..<2 {
            for channel in channels where batch.bytes.isEmpty { channel.take(into: &batch) }
            guard batch.bytes.isEmpty else { return }
            isIdle.store(true, ordering: .sequentiallyConsistent)
        }
    }

    private func sleepUntilWoken(_ milliseconds: Int32) {
        var polled = pollfd(fd: wake, events: Int16(POLLIN), revents: 0)
        _ = poll(&polled, 1, milliseconds)
    }

    /// Waits until the descriptor takes something; false: something else has come up first.
    private func mayWrite(_ number: Int32) -> Bool {
        var polled = [
            pollfd(fd: number, events: Int16(POLLOUT), revents: 0), pollfd(fd: wake, events: Int16(POLLIN), revents: 0),
        ]
        _ = poll(&polled, 2, -1)
        return polled[0].revents != 0 && polled[1].revents == 0
    }
}
