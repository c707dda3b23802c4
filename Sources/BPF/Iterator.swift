internal import CBPFShim
import Glibc

/// A BPF iterator: a program that the kernel runs over all its objects of a kind whenever its pin is read.
package enum Iterator {
    /// A link that `read` can run once it is pinned.
    package static func attach(_ program: borrowing BPFProgram, object: String) throws(BPFError) -> BPFLink {
        let raw = bpf_link_create(program.rawDescriptor, 0, BPF_TRACE_ITER, nil)
        return BPFLink(Descriptor(owning: try BPFError.check(raw, "attach", object)), object: object)
    }

    /// Runs it over the objects of this process's network namespace; how many bytes it wrote.
    package static func read(pin: String) throws(BPFError) -> Int {
        let file = Descriptor(owning: try BPFError.check(Glibc::open(pin, O_RDONLY | O_CLOEXEC), "open", pin))
        var chunk = [UInt8](repeating: 0, count: 4096)
        var total = 0
        while true {
            let count = Glibc::read(file.raw, &chunk, chunk.count)
            let errno = Glibc::errno
            if count < 0 && (errno == EINTR || errno == EAGAIN) { continue }
            if count < 0 { throw BPFError(operation: "run", object: pin, errno: errno) }
            if count == 0 { return total }
            total += count
        }
    }
}
