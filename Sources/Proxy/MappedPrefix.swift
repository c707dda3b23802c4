import Glibc
import Reactor

/// A map of the kernel plane in memory, from its beginning as far as it is needed: the kernel puts every page of such a
/// mapping in place when it is made, so all that is mapped is resident. Addresses stay when it grows.
struct MappedPrefix: ~Copyable {
    let base: UnsafeMutableRawPointer
    /// Bytes that are mapped.
    private(set) var mapped = 0
    private let descriptor: Descriptor
    private let size: Int
    private let protection: Int32

    /// Maps nothing yet, but takes the place for all `size` bytes.
    init(_ descriptor: consuming Descriptor, size: Int, protection: Int32) throws(SystemError) {
        let size = Self.whole(size)
        let base = mmap(nil, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        let code = errno
        guard let base, base != MAP_FAILED else { throw SystemError("mmap", code) }
        self.base = base
        self.descriptor = descriptor
        self.size = size
        self.protection = protection
    }

    deinit { munmap(base, size) }

    /// Maps the first `count` bytes at least, no more than there are. On failure what was mapped before stays so.
    mutating func extend(to count: Int) throws(SystemError) {
        let wanted = min(size, Self.whole(count))
        guard wanted > mapped else { return }
        // Twice as much at least: each piece is a mapping of its own.
        let next = min(size, max(wanted, 2 * mapped))
        let place = base + mapped
        let result = mmap(place, next - mapped, protection, MAP_SHARED | MAP_FIXED, descriptor.number, mapped)
        let code = errno
        guard result == place else { throw SystemError("mmap", code) }
        mapped = next
    }

    /// Rounded up to pages, as the kernel sizes such maps.
    private static func whole(_ size: Int) -> Int {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        return (size + page - 1) / page * page
    }
}
