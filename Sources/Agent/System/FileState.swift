private import CLinux
private import Glibc

/// What tells a file from what was there before under the same name: links are followed.
struct FileState: Hashable, Sendable {
    private var device: UInt64 = 0
    private var inode: UInt64 = 0
    private var size: Int64 = -1
    private var seconds: Int = 0
    private var nanoseconds: Int = 0

    /// There is no file, or it can't be looked at.
    static let none = FileState()

    private init() {}

    init(_ path: String) {
        var facts = clinux_file()
        guard clinux_look_at_file(path, &facts) == 0 else { return }
        device = facts.device
        inode = facts.inode
        size = facts.size
        seconds = Int(facts.seconds)
        nanoseconds = Int(facts.nanoseconds)
    }
}
