internal import BPF
internal import CBPFShim
import Glibc

/// The paths of what is pinned, and the directories around it.
struct PinDirectory: Sendable {
    let path: String
    private var mapsName = "maps"

    init(path: String) { self.path = path }

    var maps: String { path + "/" + mapsName }
    var links: String { path + "/links" }
    /// The programs that the links hold, to go back to when newer ones cannot be attached.
    var programs: String { path + "/programs" }
    /// Where new maps come to be before they take the place of `maps`, and the former ones afterwards.
    var aside: String { path + "/" + Self.asideName }
    private static let asideName = "aside"
    var notes: String { maps + "/" + Self.notesName }
    static let notesName = "layouts"
    /// Beside maps that others take the place of: what was copied of their counts.
    var copied: String { maps + "/copied" }

    /// The same with the maps that lie aside in the place of those in force.
    var former: PinDirectory {
        var former = self
        former.mapsName = Self.asideName
        return former
    }

    func pin(of map: PlaneMap) -> String { "\(maps)/\(map.rawValue)" }
    func pin(of program: PlaneProgram) -> String { "\(links)/\(program.rawValue)" }
    func programPin(of program: PlaneProgram) -> String { "\(programs)/\(program.rawValue)" }

    /// Makes the directories that are missing; mounts /sys/fs/bpf, as bpftool does, if the pins belong there and nothing
    /// is mounted yet.
    func create() throws(KernelPlaneError) {
        if !HostFacts.isOnBPFFileSystem(path) { try Self.mount(for: path) }
        for directory in [path, maps, links, programs] { try Self.makeDirectory(directory) }
        // Of an agent that was killed while it took over from another version: whichever maps were in force, `maps` has them.
        try inPlane { () throws(BPFError) in _ = try Pin.remove(copied) }
        try clearSettled()
    }

    /// Clears what lies aside, unless there is something in it that has to be brought over yet.
    func clearSettled() throws(KernelPlaneError) {
        if access(former.copied, F_OK) < 0 { try clearAside() }
    }

    /// The maps of `aside` become those in force, and the other way round, at once.
    func exchange() throws(KernelPlaneError) {
        let result = mb_exchange_paths(aside, maps)
        if result < 0 { throw KernelPlaneError(operation: "exchange the maps in", object: path, errno: -result) }
    }

    func makeAside() throws(KernelPlaneError) { try Self.makeDirectory(aside) }

    func clearAside() throws(KernelPlaneError) {
        for name in Self.names(in: aside) { try inPlane { () throws(BPFError) in try Pin.remove("\(aside)/\(name)") } }
        _ = try Self.removeDirectory(aside)
    }

    var exists: Bool { access(path, F_OK) == 0 }

    /// Names in one of the directories; none if it is missing.
    static func names(in directory: String) -> [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// True if it was there.
    static func removeDirectory(_ path: String) throws(KernelPlaneError) -> Bool {
        guard rmdir(path) < 0 else { return true }
        let errno = Glibc::errno
        if errno == ENOENT { return false }
        let hint = errno == ENOTEMPTY ? "it holds something that is not the broker's" : ""
        throw KernelPlaneError(operation: "remove", object: path, errno: errno, hint: hint)
    }

    private static let standardMount = "/sys/fs/bpf"

    static func isBelowStandardMount(_ path: String) -> Bool {
        path == standardMount || path.hasPrefix(standardMount + "/")
    }

    private static func mount(for path: String) throws(KernelPlaneError) {
        guard isBelowStandardMount(path) else {
            throw KernelPlaneError(
                operation: "pin in", object: path,
                hint: "that is not on a BPF file system; mount one there (mount -t bpf bpf DIRECTORY) or choose another")
        }
        let result = mb_mount_bpffs(standardMount)
        if result < 0 {
            throw KernelPlaneError(
                operation: "mount a BPF file system at", object: standardMount, errno: -result,
                hint: "mounting takes CAP_SYS_ADMIN; or mount it beforehand: mount -t bpf bpf \(standardMount)")
        }
    }

    private static func makeDirectory(_ path: String) throws(KernelPlaneError) {
        guard mkdir(path, 0o700) < 0 else { return }
        let errno = Glibc::errno
        if errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
            throw KernelPlaneError(operation: "make", object: path, errno: errno)
        }
        try makeDirectory(String(path[..<slash]))
        guard mkdir(path, 0o700) < 0, Glibc::errno != EEXIST else { return }
        throw KernelPlaneError(operation: "make", object: path, errno: Glibc::errno)
    }
}
