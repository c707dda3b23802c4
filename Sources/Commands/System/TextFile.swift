private import Glibc

/// Reads small text files with errors that name them.
enum TextFile {
    /// The file's text; `-` is standard input.
    static func read(_ path: String) throws(CommandError) -> String {
        guard path != "-" else { return try text(of: STDIN_FILENO, path: "standard input") }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw CommandError("cannot open \(path.printable): \(errorText(errno))") }
        defer { _ = close(descriptor) }
        return try text(of: descriptor, path: path)
    }

    private static let limit = 16 << 20

    private static func text(of descriptor: Int32, path: String) throws(CommandError) -> String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = Glibc::read(descriptor, &chunk, chunk.count)
            let code = errno
            if count == 0 { break }
            if count < 0, code == EINTR { continue }
            guard count > 0 else { throw CommandError("cannot read \(path.printable): \(errorText(code))") }
            bytes += chunk[..<count]
            guard bytes.count <= limit else { throw CommandError("\(path.printable) is longer than \(limit >> 20) MiB") }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw CommandError("\(path.printable) is not UTF-8 text")
        }
        return text
    }
}
