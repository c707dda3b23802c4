import Catalog
import Glibc
import KernelPlane
import Logging
import Synchronization
import Testing

@testable import Agent

@Suite struct WatcherTests {
    private var quiet: Logger {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }

    /// Runs a configuration watcher while the body goes on; the body is handed how many changes were told.
    private func watching(_ path: String, _ body: (() -> Int) async throws -> Void) async throws {
        let count = Mutex(0)
        let watcher = ConfigurationWatcher(path: path, logger: quiet) { count.withLock { $0 += 1 } }
        let task = Task { try await watcher.run() }
        defer { task.cancel() }
        // The watch stands when a write shows.
        try await body { count.withLock { $0 } }
    }

    /// Writes until the first change is told: then the watch stands.
    private func settle(_ scratch: Scratch, _ count: () -> Int) async throws -> Int {
        let stands = try await eventually {
            try scratch.write("0", to: "other")
            return count() > 0
        }
        #expect(stands)
        // What is still under way is told, too.
        try await Task.sleep(for: .milliseconds(400))
        return count()
    }

    @Test func tellsOfWritesAndReplacements() async throws {
        let scratch = try Scratch()
        try scratch.write("a", to: "c.yaml")
        try await watching(scratch["c.yaml"]) { count in
            let before = try await settle(scratch, count)
            try File.write("b", into: scratch["c.yaml"])
            #expect(await eventually { count() > before })
            try await Task.sleep(for: .milliseconds(300))
            let written = count()
            try scratch.write("c", to: "c.yaml")
            #expect(await eventually { count() > written })
        }
    }

    @Test func tellsOfASwappedLink() async throws {
        let scratch = try Scratch()
        for version in ["1", "2", "3"] {
            mkdir(scratch["..\(version)"], 0o755)
            try scratch.write(version, to: "..\(version)/c.yaml")
        }
        symlink("..1", scratch["..data"])
        symlink("..data/c.yaml", scratch["c.yaml"])
        try await watching(scratch["c.yaml"]) { count in
            var told = try await settle(scratch, count)
            for version in ["..2", "..3"] {
                symlink(version, scratch["..data_tmp"])
                rename(scratch["..data_tmp"], scratch["..data"])
                #expect(await eventually { count() > told })
                try await Task.sleep(for: .milliseconds(300))
                told = count()
            }
            // The new target's own directory is watched now.
            try File.write("4", into: scratch["..3/c.yaml"])
            #expect(await eventually { count() > told })
        }
    }

    @Test func followsCgroupsAsTheyComeAndGo() async throws {
        let mount = try #require(HostFacts.cgroup2Mount(), "cgroup v2 is not mounted")
        let name = "/mb-agent-watch-\(getpid())"
        let made = [name, name + "/a", name + "/a/b", name + "/late", name + "/late/x"]
        defer { for path in made.reversed() { rmdir(mount + path) } }
        for path in made.prefix(2) { try #require(mkdir(mount + path, 0o755) == 0) }
        let latest = Mutex(CgroupTree())
        let watcher = CgroupWatcher(mount: mount, node: Node(cgroup: name), logger: quiet) { tree in
            latest.withLock { $0 = tree }
        }
        let task = Task { try await watcher.run() }
        defer { task.cancel() }
        func paths() -> Set<String> { Set(latest.withLock { $0.ids.keys }) }
        #expect(await eventually { paths() == ["/", name, name + "/a"] })
        for path in made.dropFirst(2) { try #require(mkdir(mount + path, 0o755) == 0) }
        #expect(await eventually { paths() == Set(made).union(["/"]) })
        #expect(latest.withLock { $0.ids[name + "/late/x"] } == HostFacts.cgroupID(path: mount + name + "/late/x"))
        for path in made.dropFirst(3).reversed() { rmdir(mount + path) }
        #expect(await eventually { paths() == ["/", name, name + "/a", name + "/a/b"] })
    }
}
