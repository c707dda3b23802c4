import Catalog
import Glibc
import KernelPlane
import Synchronization

private let counter = Atomic<Int>(0)

/// How many programs and maps the plane consists of.
enum PlaneSize {
    static let programs = 12
    /// Those attached to the captured cgroup.
    static let capturePrograms = 8
    static let maps = 20
}

/// A cgroup, a BPF file system and processes made for one test, all of which `clean` takes away.
///
///     <mount>/mbkernel-PID-N          captured
///     <mount>/mbkernel-PID-N/broker   exempt; `proxy` below it
///     <mount>/mbkernel-PID-N/app      where callers live; `inner` below it
///     <mount>/mbkernel-PID-N-out      not captured
final class TestGround {
    let name: String
    let location: PlaneLocation
    private let mount: String
    private let pinMount: String
    private var peers: [Peer] = []
    private var cleaners: [() -> Void] = []

    /// Makes it, runs the test, cleans up however that ends.
    static func with(_ body: (TestGround) throws -> Void) throws {
        let ground = try TestGround()
        defer { ground.clean() }
        try ground.make()
        try body(ground)
    }

    private init() throws {
        guard let mount = HostFacts.cgroup2Mount() else { throw Failure("no cgroup v2") }
        let number = Self.next()
        if number == 1 { Leftovers.remove(below: mount) }
        name = "mbkernel-\(getpid())-\(number)"
        self.mount = mount
        pinMount = "/tmp/\(name)"
        location = PlaneLocation(
            pinDirectory: pinMount + "/pins", captureCgroup: "\(mount)/\(name)", brokerCgroup: "\(mount)/\(name)/broker")
    }

    private func make() throws {
        for path in ["", "/broker", "/broker/proxy", "/app", "/app/inner"] { try makeCgroup(name + path) }
        try makeCgroup(name + "-out")
        guard mkdir(pinMount, 0o700) == 0 else { throw Failure("mkdir \(pinMount): errno \(errno)") }
        onClean { [pinMount] in rmdir(pinMount) }
        try ChildProcess.run("/bin/mount", "-t", "bpf", "bpf", pinMount)
        onClean { [pinMount] in try? ChildProcess.run("/bin/umount", pinMount) }
        onClean { [location] in _ = try? PlaneRemoval.detach(pinDirectory: location.pinDirectory) }
    }

    /// Absolute path of a cgroup of the ground: `app`, `broker/proxy`; empty: the captured one; `out`: outside of it.
    func cgroup(_ path: String = "") -> String {
        if path == "out" { return location.captureCgroup + "-out" }
        return path.isEmpty ? location.captureCgroup : location.captureCgroup + "/" + path
    }

    func cgroupID(_ path: String = "") throws -> UInt64 {
        guard let id = HostFacts.cgroupID(path: cgroup(path)) else { throw Failure("no cgroup \(path)") }
        return id
    }

    /// Makes one more, which goes with the rest.
    func makeCgroup(_ path: String) throws {
        let directory = "\(mount)/\(path)"
        guard mkdir(directory, 0o755) == 0 else { throw Failure("mkdir \(directory): errno \(errno)") }
        onClean { Self.removeCgroup(directory) }
    }

    func peer(_ path: String, namespace: String? = nil) throws -> Peer {
        let peer = try Peer(cgroup: cgroup(path), namespace: namespace)
        peers.append(peer)
        return peer
    }

    /// Runs when the test has ended, last added first, after the peers have been stopped.
    func onClean(_ cleaner: @escaping () -> Void) { cleaners.append(cleaner) }

    private func clean() {
        for peer in peers { peer.stop() }
        for cleaner in cleaners.reversed() { cleaner() }
    }

    /// A cgroup stays busy until its last process has been reaped.
    static func removeCgroup(_ directory: String) {
        for _ in 0..<2000 where rmdir(directory) < 0 && errno == EBUSY { usleep(10_000) }
    }

    nonisolated private static func next() -> Int { counter.wrappingAdd(1, ordering: .relaxed).newValue }
}

/// Polls a condition until it holds or twenty seconds have passed.
func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
    let deadline = ContinuousClock.now + .seconds(20)
    while ContinuousClock.now < deadline {
        if try condition() { return true }
        usleep(10_000)
    }
    return try condition()
}
