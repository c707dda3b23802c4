internal import BPF
internal import CBPFShim
import Glibc

/// What this machine offers to the plane.
package enum HostFacts {
    /// Mount point of the cgroup v2 hierarchy: `/sys/fs/cgroup`, else `/sys/fs/cgroup/unified`, else the first found.
    package static func cgroup2Mount() -> String? {
        MountTable(mountinfo: readText("/proc/self/mountinfo") ?? "").cgroup2Mount
    }

    /// Id of the cgroup (v2) at an absolute path; nil if there is none.
    package static func cgroupID(path: String) -> UInt64? {
        guard mb_is_cgroup2(path) == 1 else { return nil }
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        // The inode number of a cgroup is its id, on 64-bit machines.
        return UInt64(status.st_ino)
    }

    /// Absolute path of a cgroup; nil if it vanished or cannot be told (takes CAP_DAC_READ_SEARCH).
    package static func cgroupPath(id: UInt64) -> String? {
        guard id != 0, let mount = cgroup2Mount() else { return nil }
        let root = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard root >= 0 else { return nil }
        defer { close(root) }
        let cgroup = mb_cgroup_open(root, id)
        guard cgroup >= 0 else { return nil }
        defer { close(cgroup) }
        return readLink("/proc/self/fd/\(cgroup)")
    }

    /// Cookie of this process's network namespace (the agent runs in the host's).
    package static func hostNetnsCookie() -> UInt64? {
        var cookie: UInt64 = 0
        return mb_netns_cookie(&cookie) == 0 ? cookie : nil
    }

    /// As `uname -r` tells.
    package static func kernelRelease() -> String {
        var name = utsname()
        guard uname(&name) == 0 else { return "" }
        return printable(name.release)
    }

    /// Does the kernel describe its own types (/sys/kernel/btf/vmlinux)?
    package static func hasBTF() -> Bool { access("/sys/kernel/btf/vmlinux", R_OK) == 0 }

    /// Is this path, or the nearest parent that exists, on a BPF file system?
    package static func isOnBPFFileSystem(_ path: String) -> Bool {
        var path = path
        while !path.isEmpty, access(path, F_OK) < 0, let slash = path.lastIndex(of: "/") { path = String(path[..<slash]) }
        return mb_is_bpffs(path.isEmpty ? "/" : path) == 1
    }

    /// Can pins be made here? Either a BPF file system is there, or it is the usual place, where the plane mounts one.
    package static func takesPins(_ path: String) -> Bool {
        isOnBPFFileSystem(path) || PinDirectory.isBelowStandardMount(path)
    }

    /// Those of the given capabilities that this process lacks.
    package static func missingCapabilities(_ wanted: [Capability] = Capability.plane) -> [Capability] {
        var held: UInt64 = 0
        guard mb_caps_effective(&held) == 0 else { return wanted }
        // Before 5.8, and for a long list of programs after it, CAP_SYS_ADMIN stands for both of these.
        let admin = held >> UInt64(Capability.sysAdmin.rawValue) & 1 == 1
        return wanted.filter { capability in
            held >> UInt64(capability.rawValue) & 1 == 0 && !(admin && (capability == .bpf || capability == .perfmon))
        }
    }
}

/// A small text file, such as those of /proc; nil if it cannot be read.
func readText(_ path: String) -> String? {
    guard let file = fopen(path, "re") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16384)
    while true {
        let count = fread(&chunk, 1, chunk.count, file)
        guard count > 0 else { break }
        bytes += chunk.prefix(count)
    }
    return String(decoding: bytes, as: UTF8.self)
}

private func readLink(_ path: String) -> String? {
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = buffer.withUnsafeMutableBytes { bytes in
        bytes.baseAddress.map { readlink(path, $0, bytes.count) } ?? -1
    }
    return count > 0 ? String(decoding: buffer.prefix(count), as: UTF8.self) : nil
}
