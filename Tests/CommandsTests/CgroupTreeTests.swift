import Commands
import Glibc
import Testing

/// With real cgroups below one that the test makes, and a real process in them.
@Suite struct CgroupTreeTests {
    private static let mount: String? = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].first {
        access("\($0)/cgroup.procs", F_OK) == 0 && access("\($0)/cgroup.controllers", F_OK) == 0
    }
    /// Under CI a machine that cannot run these fails them.
    private static let runs = getenv("CI") != nil || (geteuid() == 0 && mount != nil)

    private func withCgroup(_ body: (_ mount: String, _ path: String) throws -> Void) throws {
        let mount = try #require(Self.mount)
        let path = "\(mount)/modelbroker-cli-test-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        for directory in [path, path + "/agent", path + "/proxy"] { try #require(mkdir(directory, 0o755) == 0) }
        defer {
            try? Scratch.write("1", to: path + "/cgroup.kill")
            for directory in [path + "/agent", path + "/proxy", path] { _ = rmdir(directory) }
        }
        try body(mount, path)
    }

    private func sleeper(in cgroup: String) throws -> pid_t {
        var pid: pid_t = 0
        let arguments: [UnsafeMutablePointer<CChar>?] = [strdup("sleep"), strdup("60"), nil]
        defer { for argument in arguments { free(argument) } }
        try #require(posix_spawn(&pid, "/bin/sleep", nil, nil, arguments, nil) == 0)
        try Scratch.write("\(pid)", to: cgroup + "/cgroup.procs")
        return pid
    }

    @Test(.enabled(if: runs, "needs root and cgroup v2")) func killsAndRemovesEverythingBelow() throws {
        try withCgroup { mount, path in
            let pid = try sleeper(in: path + "/proxy")
            let removed = try CgroupTree.remove(path, mount: mount, own: "/")
            var status: Int32 = 0
            #expect(waitpid(pid, &status, 0) == pid && status & 0x7F == SIGKILL)
            #expect(access(path, F_OK) != 0)
            #expect(
                removed == ["processes of \(path)", "cgroup \(path)/agent", "cgroup \(path)/proxy", "cgroup \(path)"])
        }
    }

    @Test(.enabled(if: runs, "needs root and cgroup v2")) func removesAnEmptyOneWithoutAKill() throws {
        try withCgroup { mount, path in
            let removed = try CgroupTree.remove(path, mount: mount, own: nil)
            #expect(removed.count == 3)
        }
    }

    @Test(.enabled(if: runs, "needs root and cgroup v2")) func doesNotKillItself() throws {
        try withCgroup { mount, path in
            let own = String(path.dropFirst(mount.count)) + "/agent"
            #expect(throws: CgroupTree.Failure.self) { try CgroupTree.remove(path, mount: mount, own: own) }
            #expect(access(path, F_OK) == 0)
        }
    }

    @Test(arguments: ["/sys/fs/cgroup", "/sys/fs/cgroup/", "/", "", "/tmp/x", "/sys/fs/cgroup/../x", "/sys/fs/cgroup2/x"])
    func touchesNothingOutsideOfTheMount(_ path: String) {
        #expect(throws: CgroupTree.Failure.self) { try CgroupTree.remove(path, mount: "/sys/fs/cgroup", own: nil) }
        #expect(throws: CgroupTree.Failure.self) { try CgroupTree.remove(path, mount: nil, own: nil) }
    }
}
