internal import CBPFShim
import Glibc

/// Kernel objects that are kept by a path on a BPF file system.
package enum Pin {
    /// Opens what is pinned there; nil if nothing is.
    package static func open(_ path: String) throws(BPFError) -> Descriptor? {
        let raw = bpf_obj_get(path)
        let errno = Glibc::errno
        if raw >= 0 { return Descriptor(owning: raw) }
        if errno == ENOENT { return nil }
        throw BPFError(operation: "open pin", object: path, errno: errno)
    }

    package static func make(_ descriptor: Int32, at path: String) throws(BPFError) {
        _ = try BPFError.check(bpf_obj_pin(descriptor, path), "pin", path)
    }

    /// True if it was there.
    @discardableResult
    package static func remove(_ path: String) throws(BPFError) -> Bool {
        let result = unlink(path)
        let errno = Glibc::errno
        if result == 0 { return true }
        if errno == ENOENT { return false }
        throw BPFError(operation: "remove pin", object: path, errno: errno)
    }
}
