private import Glibc

/// An inotify descriptor and the paths that it watches. Belongs to one thread.
struct Inotify: ~Copyable {
    /// Something that happened in a watched directory.
    struct Event: Hashable, Sendable {
        var path: String
        /// The entry of the directory; empty for the directory itself.
        var name: String
        var isDirectory: Bool
        var created: Bool
        var deleted: Bool
    }

    /// What a reading found.
    struct Batch: Sendable {
        var events: [Event] = []
        /// The kernel had to drop events: look at everything again.
        var overflow = false
    }

    /// Directories coming and going.
    static let directories = UInt32(IN_CREATE | IN_DELETE | IN_ONLYDIR)
    /// Files written, replaced, removed.
    static let files = UInt32(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ONLYDIR)

    private let descriptor: Int32
    private var paths: [Int32: String] = [:]

    init() throws(SystemError) {
        let descriptor = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
        guard descriptor >= 0 else { throw SystemError("make", "an inotify instance") }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// Watches a directory; one that is watched already stays watched.
    mutating func watch(_ path: String, for mask: UInt32) throws(SystemError) {
        let watch = inotify_add_watch(descriptor, path, mask)
        guard watch >= 0 else { throw SystemError("watch", path) }
        paths[watch] = path
    }

    /// Watches none but these directories, which may not all exist.
    mutating func watchOnly(_ wanted: [String], for mask: UInt32) {
        for (watch, path) in paths where !wanted.contains(path) {
            inotify_rm_watch(descriptor, watch)
            paths[watch] = nil
        }
        for path in wanted { try? watch(path, for: mask) }
    }

    /// Waits for something to happen, at most so long. False: nothing did.
    func wait(milliseconds: Int32) -> Bool {
        var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&watched, 1, milliseconds) > 0
    }

    /// Waits until nothing has happened for so long, or `rounds` times: a directory that is never quiet waits no longer.
    mutating func settle(milliseconds: Int32, rounds: Int = 10) -> Batch {
        var batch = read()
        for _ in 0..<rounds {
            guard wait(milliseconds: milliseconds) else { break }
            let more = read()
            batch.events += more.events
            batch.overflow = batch.overflow || more.overflow
        }
        return batch
    }

    /// Everything that has happened since the last reading.
    mutating func read() -> Batch {
        var batch = Batch()
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let got = Glibc.read(descriptor, &buffer, buffer.count)
            guard got > 0 else { return batch }
            parse(buffer[..<got], into: &batch)
        }
    }

    private mutating func parse(_ bytes: ArraySlice<UInt8>, into batch: inout Batch) {
        var rest = bytes
        let headSize = MemoryLayout<inotify_event>.size
        while rest.count >= headSize {
            let head = rest.withUnsafeBytes { $0.loadUnaligned(as: inotify_event.self) }
            let name = rest.dropFirst(headSize).prefix(Int(head.len)).prefix { $0 != 0 }
            rest = rest.dropFirst(headSize + Int(head.len))
            if head.mask & UInt32(IN_Q_OVERFLOW) != 0 { batch.overflow = true }
            guard let path = paths[head.wd] else { continue }
            if head.mask & UInt32(IN_IGNORED) != 0 { paths[head.wd] = nil }
            batch.events.append(
                Event(
                    path: path, name: String(decoding: name, as: UTF8.self),
                    isDirectory: head.mask & UInt32(IN_ISDIR) != 0, created: head.mask & UInt32(IN_CREATE) != 0,
                    deleted: head.mask & UInt32(IN_DELETE) != 0))
        }
    }
}
