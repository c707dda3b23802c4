private import Glibc

/// Standard output and error, and how wide they are.
package enum Terminal {
    package static let standardOutput: Int32 = 1
    package static let standardError: Int32 = 2

    /// Columns of the terminal that `descriptor` is; nil when it is none.
    package static func width(of descriptor: Int32) -> Int? {
        guard isatty(descriptor) == 1 else { return nil }
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// Writes the whole text; a reader that has gone ends the process, as SIGPIPE does. False: not all of it could be written.
    @discardableResult package static func write(_ text: String, to descriptor: Int32) -> Bool {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc::write(descriptor, $0.baseAddress, $0.count) }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { return false }
            rest = rest.dropFirst(written)
        }
        return true
    }

    /// A line for people on standard error.
    package static func complain(_ message: String) {
        write("modelbroker: \(message)\n", to: STDERR_FILENO)
    }
}
