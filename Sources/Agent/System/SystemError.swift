private import Glibc

/// A system call that failed: what was tried on what, and the kernel's answer.
struct SystemError: Error, Hashable, CustomStringConvertible {
    let operation: String
    let object: String
    let code: Int32

    /// Takes the error number that the call just left in `errno`.
    init(_ operation: String, _ object: String) {
        self.init(operation, object, code: errno)
    }

    init(_ operation: String, _ object: String, code: Int32) {
        self.operation = operation
        self.object = object
        self.code = code
    }

    var description: String { "cannot \(operation) \(object): \(Self.text(code))" }

    /// The system's words for an error number: `Permission denied`.
    static func text(_ code: Int32) -> String {
        guard let text = strerror(code) else { return "error \(code)" }
        return String(cString: text)
    }
}

/// Why the agent cannot start or go on, in one sentence for people.
package struct AgentError: Error, Hashable, CustomStringConvertible {
    package let description: String
    /// Another process holds what is needed, and may let go of it.
    let isHeld: Bool

    init(_ description: String, isHeld: Bool = false) {
        self.description = description
        self.isHeld = isHeld
    }

    init(_ cause: SystemError) { self.init(cause.description, isHeld: cause.code == EADDRINUSE) }
}
