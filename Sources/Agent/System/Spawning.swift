internal import CLinux
private import Glibc

/// Variables that a started program gets of the agent's; others may hold secrets that are none of its business.
enum PassedVariables {
    private static let names = ["PATH", "TZ", "LANG", "LC_ALL", "LD_LIBRARY_PATH"]

    static var all: [String] { names.compactMap { name in getenv(name).map { "\(name)=\(String(cString: $0))" } } }
}

extension clinux_spawn_stage {
    /// What could not be done, behind "cannot".
    var words: String {
        switch self {
        case CLINUX_SPAWN_CGROUP: "join its cgroup"
        case CLINUX_SPAWN_DESCRIPTORS: "arrange its descriptors"
        case CLINUX_SPAWN_USER: "become its user"
        case CLINUX_SPAWN_PRIVILEGES: "give up its privileges"
        case CLINUX_SPAWN_DIRECTORY: "enter its directory"
        case CLINUX_SPAWN_EXEC: "be executed"
        default: "start a process"
        }
    }
}

/// Arrays of strings as C wants them.
enum CStrings {
    /// Calls the body with a null-terminated array.
    static func with<Result>(_ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result) -> Result {
        var pointers = strings.map { strdup($0) }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        return pointers.withUnsafeBufferPointer { view in
            guard let base = view.baseAddress else { preconditionFailure("the array has its terminator") }
            return body(base)
        }
    }
}
