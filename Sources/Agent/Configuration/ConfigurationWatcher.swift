internal import Logging
private import ServiceLifecycle
private import Synchronization

/// Tells when the configuration file may have changed: written, replaced, or swapped by way of a symbolic link (as a
/// ConfigMap's `..data` is). Whether its contents differ is for the reader to find out.
final class ConfigurationWatcher: Service {
    /// An editor's several steps are told as one change.
    private static let quietMilliseconds: Int32 = 100
    /// The file is looked at this often even without an event: not every file system has them.
    private static let interval: UInt64 = 30_000_000_000

    private let path: String
    private let logger: Logger
    private let changed: @Sendable () -> Void
    private let stopped = Atomic<Bool>(false)

    /// - Parameter changed: called on the watcher's thread.
    init(path: String, logger: Logger, changed: @escaping @Sendable () -> Void) {
        self.path = path
        self.logger = logger
        self.changed = changed
    }

    func run() async throws {
        try BackgroundThread.start("configuration-watcher") { self.follow() }
        try? await gracefulShutdown()
        stopped.store(true, ordering: .relaxed)
    }

    private func follow() {
        do {
            var watches = try Inotify()
            watches.watchOnly(directories, for: Inotify.files)
            var next = Clocks.monotonic() + Self.interval
            while !stopped.load(ordering: .relaxed) {
                guard watches.wait(milliseconds: 1000) || Clocks.monotonic() >= next else { continue }
                _ = watches.settle(milliseconds: Self.quietMilliseconds)
                // The links may lead elsewhere now.
                watches.watchOnly(directories, for: Inotify.files)
                next = Clocks.monotonic() + Self.interval
                changed()
            }
        } catch {
            logger.error("cannot watch the configuration; reload with SIGHUP", metadata: ["reason": "\(error)"])
        }
    }

    /// The directory of each link on the way to the file, and the file's own.
    private var directories: [String] {
        var found = [File.directory(of: path)]
        if let real = File.resolved(path) { found.append(File.directory(of: real)) }
        return found
    }
}
