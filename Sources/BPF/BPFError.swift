import Glibc

/// What the kernel or libbpf refused.
package struct BPFError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was being done: `load`, `attach`, `pin`, ...
    package let operation: String
    /// To what: the name of an object, program or map, or a path.
    package let object: String
    package let errno: Int32
    /// What libbpf and the verifier said about it, if anything.
    package let log: VerifierLog

    package init(operation: String, object: String, errno: Int32, log: VerifierLog = VerifierLog(text: "")) {
        self.operation = operation
        self.object = object
        self.errno = errno
        self.log = log
    }

    /// Passes a system call's or libbpf's result on unless it is negative. libbpf 1.x sets errno as the kernel does.
    package static func check(_ result: Int32, _ operation: String, _ object: @autoclosure () -> String) throws(BPFError) -> Int32
    {
        let errno = Glibc::errno
        guard result < 0 else { return result }
        throw BPFError(operation: operation, object: object(), errno: errno)
    }

    package var description: String {
        var text = "could not \(operation) \(object): \(Self.text(of: errno)) (errno \(errno))"
        if log.omitted > 0 { text += "\n  (\(log.omitted) lines omitted)" }
        for line in log.lines { text += "\n  \(line)" }
        return text
    }

    /// The system's sentence for an errno value.
    package static func text(of errno: Int32) -> String {
        var buffer = [CChar](repeating: 0, count: 128)
        guard strerror_r(errno, &buffer, buffer.count) == 0 else { return "unknown error" }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
