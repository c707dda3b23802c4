internal import CBPFShim
import Glibc
private import Synchronization

/// An array map (BPF_F_MMAPABLE) as memory: what is written there, programs see at once, and the other way round.
///
/// The kernel puts every page of such a mapping in place when it is made, so all that is mapped is resident. What is not
/// needed can therefore be given back, from the end, and taken again; addresses stay as they are meanwhile.
///
/// Safe to share between threads although it is raw memory: the type itself only hands out addresses of elements, and what
/// is done there follows the rules for memory that others (programs in the kernel, the proxy) change meanwhile anyway:
/// atomics on single words, and plain stores only by the holder of the writers' lock into what no reader looks at.
package struct MappedArray<Element>: ~Copyable, @unchecked Sendable {
    package let count: Int
    private let descriptor: Descriptor
    private let name: String
    private let base: UnsafeMutableRawPointer
    /// Bytes of the whole array, and of what is mapped of it from its beginning.
    private let length: Int
    private let mapped: Atomic<Int>

    /// Maps the whole array. EINVAL if its values have another size than `Element`, or (as the kernel says it) if it cannot
    /// be mapped: not an array, or a read-only descriptor, which the kernel never maps.
    package init(_ descriptor: consuming Descriptor, name: String) throws(BPFError) {
        precondition(_isPOD(Element.self), "map entries are plain bytes")
        let shape = try MapFacts(descriptor: descriptor.raw, object: name).shape
        let stride = MemoryLayout<Element>.stride
        guard stride == (Int(shape.valueSize) + 7) & ~7 else {
            throw BPFError(operation: "map", object: "\(name) (\(shape))", errno: EINVAL)
        }
        let length = Self.whole(stride * Int(shape.maxEntries))
        let base = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor.raw, 0)
        guard let base, base != MAP_FAILED else { throw BPFError(operation: "map", object: name, errno: Glibc::errno) }
        count = Int(shape.maxEntries)
        self.descriptor = descriptor
        self.name = name
        self.base = base
        self.length = length
        mapped = Atomic(length)
    }

    deinit { munmap(base, length) }

    /// Elements that are mapped, from the first.
    package var reach: Int { min(count, mapped.load(ordering: .acquiring) / MemoryLayout<Element>.stride) }

    /// Where element `index` lives; only while the array does, and while it is within reach.
    package func element(_ index: Int) -> UnsafeMutablePointer<Element> {
        precondition((0..<reach).contains(index), "no such element")
        return base.assumingMemoryBound(to: Element.self) + index
    }

    /// Gives back the memory of what comes after the first `count` elements, as far as it takes up pages of its own; nobody
    /// may be using it. Not while another thread calls this or `extend`.
    package func shorten(to count: Int) {
        let kept = Self.whole(MemoryLayout<Element>.stride * max(1, count))
        let had = mapped.load(ordering: .relaxed)
        guard kept < had else { return }
        mapped.store(kept, ordering: .releasing)
        // The place stays taken, and whoever goes there by mistake gets no further.
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED
        _ = mmap(base + kept, had - kept, PROT_NONE, flags, -1, 0)
    }

    /// Brings the first `count` elements within reach. On failure those within reach before stay so.
    package func extend(to count: Int) throws(BPFError) {
        precondition(count <= self.count, "no such element")
        let had = mapped.load(ordering: .relaxed)
        let wanted = Self.whole(MemoryLayout<Element>.stride * count)
        guard wanted > had else { return }
        // Twice as much at least: each piece is a mapping of its own.
        let next = min(length, max(wanted, 2 * had))
        let place = base + had
        let result = mmap(place, next - had, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, descriptor.raw, had)
        guard result == place else { throw BPFError(operation: "map", object: name, errno: Glibc::errno) }
        mapped.store(next, ordering: .releasing)
    }

    /// Rounded up to pages.
    private static func whole(_ size: Int) -> Int {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        return (size + page - 1) / page * page
    }
}
