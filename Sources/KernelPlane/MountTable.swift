/// The mounts that a process sees, as /proc/PID/mountinfo tells. Pure.
struct MountTable: Equatable, Sendable {
    struct Mount: Equatable, Sendable {
        var path: String
        var type: String
    }

    private(set) var mounts: [Mount]

    /// Lines that are not of the documented form are passed over.
    init(mountinfo: String) {
        mounts = mountinfo.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ", omittingEmptySubsequences: false)
            guard fields.count > 6, let dash = fields.dropFirst(6).firstIndex(of: "-"), dash + 1 < fields.count else {
                return nil
            }
            return Mount(path: Self.unescaped(fields[4]), type: String(fields[dash + 1]))
        }
    }

    /// The cgroup v2 hierarchy: whole, hybrid, or wherever it is.
    var cgroup2Mount: String? {
        let found = mounts.filter { $0.type == "cgroup2" }.map(\.path)
        return ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].first(where: found.contains) ?? found.first
    }

    /// Blanks and backslashes stand there as three octal digits.
    private static func unescaped(_ field: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(field.utf8)[...]
        while let first = rest.popFirst() {
            if first == UInt8(ascii: "\\"), rest.count >= 3,
                let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8)
            {
                bytes.append(code)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(first)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
