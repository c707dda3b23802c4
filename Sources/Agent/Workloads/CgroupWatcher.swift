internal import Catalog
internal import Logging
private import ServiceLifecycle
private import Synchronization

/// Follows the cgroups of the captured subtree as they come and go, from a thread of its own.
final class CgroupWatcher: Service {
    /// How often everything is looked at again, in case an event or a watch was missing.
    private static let rescanInterval: UInt64 = 30_000_000_000
    /// Changes this close together are told as one.
    private static let quietMilliseconds: Int32 = 20

    private let mount: String
    private let node: Node
    private let changed: @Sendable (CgroupTree) -> Void
    private let logger: Logger
    private let stopped = Atomic<Bool>(false)

    /// - Parameter changed: called on the watcher's thread with the whole tree, once at the start and after each change.
    init(mount: String, node: Node, logger: Logger, changed: @escaping @Sendable (CgroupTree) -> Void) {
        self.mount = mount
        self.node = node
        self.logger = logger
        self.changed = changed
    }

    func run() async throws {
        try BackgroundThread.start("cgroup-watcher") { self.follow() }
        try? await gracefulShutdown()
        stopped.store(true, ordering: .relaxed)
    }

    private func follow() {
        do {
            var watches = try Inotify()
            while !stopped.load(ordering: .relaxed) { followUntilRescan(&watches) }
        } catch {
            logger.error("cannot watch the cgroups", metadata: ["reason": "\(error)"])
        }
    }

    private func followUntilRescan(_ watches: inout Inotify) {
        var tree = scan(&watches)
        changed(tree)
        let next = Clocks.monotonic() + Self.rescanInterval
        while !stopped.load(ordering: .relaxed), Clocks.monotonic() < next {
            guard watches.wait(milliseconds: 1000) else { continue }
            let batch = watches.settle(milliseconds: Self.quietMilliseconds)
            if batch.overflow { return }
            let events = batch.events.filter { $0.isDirectory && !$0.name.isEmpty }
            for event in events { take(event, &tree, &watches) }
            if !events.isEmpty { changed(tree) }
        }
    }

    private func take(_ event: Inotify.Event, _ tree: inout CgroupTree, _ watches: inout Inotify) {
        let path = CgroupTree.join(String(event.path.dropFirst(mount.count)), event.name)
        if event.created {
            add(path, &tree, &watches)
        } else if event.deleted {
            tree.remove(path)
        }
    }

    /// The watch stands before the directory is read, so that nothing made in between is missed.
    private func add(_ path: String, _ tree: inout CgroupTree, _ watches: inout Inotify) {
        var open = [path]
        while let path = open.popLast() {
            watch(path, &watches)
            open.append(contentsOf: CgroupScan.insert(path, mount: mount, into: &tree))
        }
    }

    private func scan(_ watches: inout Inotify) -> CgroupTree {
        var tree = CgroupScan.fixed(mount: mount, node: node)
        add(node.cgroup, &tree, &watches)
        return tree
    }

    private func watch(_ path: String, _ watches: inout Inotify) {
        do {
            try watches.watch(Groundwork.absolute(path, mount: mount), for: Inotify.directories)
        } catch {
            // It vanished, or there are no watches left (fs.inotify.max_user_watches): the next scan will see.
            logger.debug("cannot watch a cgroup", metadata: ["reason": "\(error)"])
        }
    }
}
