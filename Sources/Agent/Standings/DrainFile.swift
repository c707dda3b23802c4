private import Glibc
internal import Logging

/// `<run-dir>/drained`: the URLs of the servers that were taken out by hand, one a line.
struct DrainFile: Sendable {
    let path: String

    /// None when there is no file; one that cannot be read is an error of this node, not of the servers.
    ///
    /// - Parameter logger: nil: it will be said later.
    func read(_ logger: Logger?) -> Set<String> {
        do {
            return Set(try File.text(path).split(separator: "\n").map(String.init))
        } catch {
            if error.code != ENOENT { logger?.error("cannot read who is drained", metadata: ["reason": "\(error)"]) }
            return []
        }
    }

    /// - Throws: when it cannot be written; what it said before stays.
    func write(_ drained: Set<String>) throws(SystemError) {
        guard !drained.isEmpty else {
            guard unlink(path) == 0 || errno == ENOENT else { throw SystemError("remove", path) }
            return
        }
        let text = drained.sorted().map { $0 + "\n" }.joined()
        try File.replace(path, with: Array(text.utf8), mode: 0o600)
    }
}
