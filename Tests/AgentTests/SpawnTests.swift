import Glibc
import KernelPlane
import Synchronization
import Testing

@testable import Agent

/// Starting a program as the proxy is started. Needs root and cgroup v2.
@Suite struct SpawnTests {
    private final class Place: Sendable {
        let scratch: Scratch
        private let own: TestCgroup
        var cgroup: String { own.path }

        init() throws {
            scratch = try Scratch()
            chmod(scratch.path, 0o755)
            own = try TestCgroup("spawn")
        }

        func program(_ script: String) throws -> ProxyProgram {
            try File.replace(scratch["program"], with: Array("#!/bin/sh\n\(script)\n".utf8), mode: 0o755)
            return ProxyProgram(
                path: scratch["program"], runDirectory: "/run/x", account: try Account.find("nobody"), cgroup: cgroup)
        }
    }

    @Test func startsUnprivilegedInItsCgroup() async throws {
        let place = try Place()
        // Readable by the test, writable by nobody.
        let out = place.scratch["out"]
        try File.replace(out, with: [], mode: 0o666)
        chmod(out, 0o666)
        let open = fcntl(STDIN_FILENO, F_DUPFD, 77)
        defer { close(open) }
        let secret = "MB_TEST_SECRET"
        setenv(secret, "x", 1)
        defer { unsetenv(secret) }
        let program = try place.program(
            "(echo \"$@\"; grep 0:: /proc/$$/cgroup; cat /proc/$$/status; ls /proc/$$/fd; env; ulimit -n; ulimit -Hn) > \(out)")
        let ended = Mutex<String?>(nil)
        let pid = try program.spawn()
        try ProcessWatch.start(pid) { how in ended.withLock { $0 = how } }
        #expect(await eventually { ended.withLock { $0 } == "exit 0" })
        let text = try File.text(out)
        let lines = text.split(separator: "\n").map { String($0).replacing("\t", with: " ") }
        #expect(lines.first == "--run-dir /run/x")
        #expect(lines.contains { $0.hasSuffix(place.cgroup.split(separator: "/").last ?? "?") })
        let uid = try Account.find("nobody").uid
        #expect(lines.contains("Uid: \(uid) \(uid) \(uid) \(uid)"))
        for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] { #expect(lines.contains("\(set): 0000000000000000")) }
        #expect(lines.contains("NoNewPrivs: 1"))
        #expect(lines.contains("Groups:  "), "no supplementary group")
        #expect(lines.contains("SigBlk: 0000000000000000"))
        let ignored = try #require(lines.first { $0.hasPrefix("SigIgn: ") }.flatMap { UInt64($0.dropFirst(8), radix: 16) })
        // Above signal 31 are those of the C library's own, which it lets nobody change.
        #expect(ignored & 0x7fff_ffff == 0)
        #expect(!lines.contains(String(open)), "descriptor \(open) is closed")
        #expect(!text.contains(secret))
        #expect(lines.suffix(2).first == lines.last, "the soft limit on descriptors is at the hard one")
    }

    @Test func tellsHowItEnded() async throws {
        let place = try Place()
        for (script, how) in [("exit 3", "exit 3"), ("kill -9 $$", "signal 9")] {
            let ended = Mutex<String?>(nil)
            try ProcessWatch.start(try place.program(script).spawn()) { how in ended.withLock { $0 = how } }
            #expect(await eventually { ended.withLock { $0 } == how })
        }
    }

    @Test func killsAllOfItsCgroup() async throws {
        let place = try Place()
        let program = try place.program("sleep 1000 & sleep 1000")
        let pid = try program.spawn()
        #expect(await eventually { program.processes.count == 3 })
        let ended = Mutex<String?>(nil)
        try ProcessWatch.start(pid) { how in ended.withLock { $0 = how } }
        try program.kill()
        #expect(await eventually { program.processes.isEmpty && ended.withLock { $0 } == "signal 9" })
    }

    @Test func saysWhatWentWrong() throws {
        let place = try Place()
        let account = try Account.find("nobody")
        let missing = ProxyProgram(path: place.scratch["none"], runDirectory: "/", account: account, cgroup: place.cgroup)
        #expect(throws: AgentError("\(place.scratch["none"]): cannot be executed: No such file or directory")) {
            try missing.spawn()
        }
        let homeless = ProxyProgram(path: "/bin/true", runDirectory: "/", account: account, cgroup: place.scratch["none"])
        #expect(throws: AgentError("/bin/true: cannot join its cgroup: No such file or directory")) { try homeless.spawn() }
        #expect(missing.processes.isEmpty)
    }
}
