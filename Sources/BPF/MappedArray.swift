internal import CBPFShim
import Glibc

/// An array map (BPF_F_MMAPABLE) as memory: what is written there, programs see at once, and the other way round.
///
/// Safe to share between threads although it is raw memory: the type itself only hands out addresses of elements, and what
/// is done there follows the rules for memory that others (programs in the kernel, the proxy) change meanwhile anyway:
/// atomics on single words, and plain stores only by the holder of the writers' lock into what no reader looks at.
package struct MappedArray<Element>: ~Copyable, @unchecked Sendable {
    package let count: Int
    private let base: UnsafeMutableRawPointer
    private let length: Int

    /// Maps the whole array; the map may be closed afterwards. EINVAL if its values have another size than `Element`, or
    /// (as the kernel says it) if it cannot be mapped: not an array, or a read-only descriptor, which the kernel never maps.
    package init(_ descriptor: borrowing Descriptor, name: String) throws(BPFError) {
        precondition(_isPOD(Element.self), "map entries are plain bytes")
        let shape = try MapFacts(descriptor: descriptor.raw, object: name).shape
        let stride = MemoryLayout<Element>.stride
        guard stride == (Int(shape.valueSize) + 7) & ~7 else {
            throw BPFError(operation: "map", object: "\(name) (\(shape))", errno: EINVAL)
        }
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let length = (stride * Int(shape.maxEntries) + page - 1) / page * page
        let base = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor.raw, 0)
        guard let base, base != MAP_FAILED else { throw BPFError(operation: "map", object: name, errno: Glibc::errno) }
        count = Int(shape.maxEntries)
        self.base = base
        self.length = length
    }

    deinit { munmap(base, length) }

    /// Where element `index` lives; only while the array does.
    package func element(_ index: Int) -> UnsafeMutablePointer<Element> {
        precondition((0..<count).contains(index), "no such element")
        return base.assumingMemoryBound(to: Element.self) + index
    }
}
