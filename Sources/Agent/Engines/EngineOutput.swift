private import CLinux
internal import Glibc
private import Synchronization

/// What one server writes to its standard output and error: a FIFO that has a name, so that the agent after this one finds it
/// again, and that the program holds open for both directions, so that it never writes to nobody.
final class EngineOutput: Sendable {
    /// What the kernel keeps while nobody reads, in bytes.
    private static let pipeSize: Int32 = 1 << 20
    /// `F_SETPIPE_SZ`, a macro that Swift does not see.
    private static let setPipeSize: Int32 = 1031

    private let reader: Int32
    /// The program's end: the file description that it has as well.
    let writer: Int32
    private let wake: Int32
    private let keep: @Sendable (ArraySlice<UInt8>) -> Void
    private let isOver = Mutex(false)
    private let drained = Countdown(1)

    /// - Parameter keep: called on a thread of its own.
    init(_ path: String, keep: @escaping @Sendable (ArraySlice<UInt8>) -> Void) throws(SystemError) {
        if mkfifo(path, 0o600) != 0, errno != EEXIST { throw SystemError("make", path) }
        writer = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        guard writer >= 0 else { throw SystemError("open", path) }
        var facts = clinux_file()
        guard clinux_look_at_open_file(writer, &facts) == 0, facts.mode & S_IFMT == S_IFIFO else {
            Glibc.close(writer)
            throw SystemError("use", path, code: EEXIST)
        }
        reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW)
        guard reader >= 0 else {
            let error = SystemError("open", path)
            Glibc.close(writer)
            throw error
        }
        _ = fcntl(writer, Self.setPipeSize, Self.pipeSize)
        wake = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        self.keep = keep
        do throws(SystemError) {
            try BackgroundThread.start("engine output") { self.read() }
        } catch {
            for descriptor in [reader, writer, wake] { Glibc.close(descriptor) }
            throw error
        }
    }

    /// The program has ended: what is left is taken.
    func finish() {
        isOver.withLock { isOver in
            // Afterwards the numbers may be somebody else's.
            if !isOver { eventfd_write(wake, 1) }
            isOver = true
        }
    }

    /// The agent ends and the program goes on: from now on it loses what nobody reads, rather than stand still.
    func leave() {
        isOver.withLock { isOver in
            guard !isOver else { return }
            Descriptors.setNonBlocking(writer)
            eventfd_write(wake, 1)
            isOver = true
        }
    }

    /// Blocks until all that was left has been taken. False: that took longer.
    @discardableResult
    func settle(within milliseconds: Int) -> Bool {
        drained.wait(until: Clocks.monotonic() + UInt64(max(0, milliseconds)) * 1_000_000)
    }

    private func read() {
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            var polled = [
                pollfd(fd: reader, events: Int16(POLLIN), revents: 0), pollfd(fd: wake, events: Int16(POLLIN), revents: 0),
            ]
            poll(&polled, 2, -1)
            let isOver = isOver.withLock(\.self)
            // A program's child may write on for ever; what the kernel keeps is all that is owed.
            var rest = Int(Self.pipeSize)
            while rest > 0 {
                let got = Glibc.read(reader, &chunk, chunk.count)
                guard got > 0 else { break }
                keep(chunk[..<got])
                rest -= got
            }
            guard !isOver else { break }
        }
        for descriptor in [reader, writer, wake] { close(descriptor) }
        drained.signal()
    }
}
