import Glibc

/// A system call that failed: which, and why.
package struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
    package let operation: StaticString
    package let code: Int32

    package init(_ operation: StaticString, _ code: Int32) {
        self.operation = operation
        self.code = code
    }

    package var description: String { "\(operation): \(reason)" }
    /// What errno says, in words.
    package var reason: String { String(cString: strerror(code)) }

    package static func == (left: SystemError, right: SystemError) -> Bool { left.code == right.code }
    package func hash(into hasher: inout Hasher) { hasher.combine(code) }
}

/// The one owner of a file descriptor; it is closed when its owner goes away.
package struct Descriptor: ~Copyable {
    package let number: Int32

    /// Takes over an open descriptor.
    package init(owning number: Int32) {
        self.number = number
    }

    deinit { _ = Glibc.close(number) }

    /// Hands the descriptor over; the caller closes it.
    package consuming func take() -> Int32 {
        let number = number
        discard self
        return number
    }
}
