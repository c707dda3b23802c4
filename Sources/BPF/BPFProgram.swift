internal import CBPFShim
import Glibc

/// A loaded program.
package struct BPFProgram: ~Copyable, Sendable {
    private let descriptor: Descriptor

    package init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }

    /// nil: it is no longer loaded.
    package static func withID(_ id: UInt32) throws(BPFError) -> BPFProgram? {
        let raw = bpf_prog_get_fd_by_id(id)
        let errno = Glibc::errno
        if raw >= 0 { return BPFProgram(Descriptor(owning: raw)) }
        if errno == ENOENT { return nil }
        throw BPFError(operation: "open program", object: "\(id)", errno: errno)
    }

    package var rawDescriptor: Int32 { descriptor.raw }

    /// Runs it once where it is attached to nothing: a raw tracepoint's, with the words of `context` as its arguments.
    ///
    /// - Returns: what it returned.
    package func run<Context>(_ context: Context) throws(BPFError) -> Int32 {
        precondition(_isPOD(Context.self), "arguments are plain bytes")
        let (result, errno) = withUnsafeBytes(of: context) { bytes -> (Int32, Int32) in
            guard let base = bytes.baseAddress else { return (-1, EINVAL) }
            return (mb_program_run(descriptor.raw, base, bytes.count), Glibc::errno)
        }
        if result >= 0 { return result }
        throw BPFError(operation: "run", object: "a program", errno: errno)
    }

    package func facts() throws(BPFError) -> ProgramFacts {
        let info = try kernelInfo(of: descriptor.raw, bpf_prog_info(), "a program")
        return ProgramFacts(
            id: info.id,
            name: withUnsafeBytes(of: info.name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) },
            tag: withUnsafeBytes(of: info.tag) { $0.map(hexadecimal).joined() },
            loadedBytes: info.xlated_prog_len, jitedBytes: info.jited_prog_len, runCount: info.run_cnt,
            runNanoseconds: info.run_time_ns)
    }
}

/// What the kernel tells about a program.
package struct ProgramFacts: Hashable, Sendable {
    package var id: UInt32
    package var name: String
    /// Hash of the instructions, in hexadecimal.
    package var tag: String
    package var loadedBytes: UInt32
    package var jitedBytes: UInt32
    package var runCount: UInt64
    package var runNanoseconds: UInt64

    package init(
        id: UInt32, name: String, tag: String, loadedBytes: UInt32, jitedBytes: UInt32, runCount: UInt64,
        runNanoseconds: UInt64
    ) {
        self.id = id
        self.name = name
        self.tag = tag
        self.loadedBytes = loadedBytes
        self.jitedBytes = jitedBytes
        self.runCount = runCount
        self.runNanoseconds = runNanoseconds
    }
}

private func hexadecimal(_ byte: UInt8) -> String {
    (byte < 16 ? "0" : "") + String(byte, radix: 16)
}
