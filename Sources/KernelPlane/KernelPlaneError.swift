internal import BPF

/// Why something could not be done in the kernel, in one readable sentence and, for a refused program, the verifier's last words.
package struct KernelPlaneError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was being done: `load`, `attach`, `pin`, ...
    package var operation: String
    /// To what: the name of a program or map, or a path.
    package var object: String
    /// 0: not the kernel's refusal but ours.
    package var errno: Int32
    /// What it means and what to do about it, if that is known.
    package var hint: String
    /// The last useful lines of the verifier's log.
    package var log: [String]
    package var logLinesOmitted: Int

    package init(
        operation: String, object: String, errno: Int32 = 0, hint: String = "", log: [String] = [], logLinesOmitted: Int = 0
    ) {
        self.operation = operation
        self.object = object
        self.errno = errno
        self.hint = hint
        self.log = log
        self.logLinesOmitted = logLinesOmitted
    }

    /// The same, where not everything could be put back.
    func leaving(_ left: [String]) -> KernelPlaneError {
        guard !left.isEmpty else { return self }
        var error = self
        error.hint += (hint.isEmpty ? "" : "; ") + "and not everything could be put back: " + left.joined(separator: "; ")
        return error
    }

    package var description: String {
        var text = "could not \(operation) \(object)"
        if errno != 0 { text += ": \(BPFError.text(of: errno)) (errno \(errno))" }
        if !hint.isEmpty { text += "; \(hint)" }
        guard !log.isEmpty else { return text }
        if logLinesOmitted > 0 { text += "\n  (\(logLinesOmitted) lines omitted)" }
        return text + log.map { "\n  " + $0 }.joined()
    }
}
