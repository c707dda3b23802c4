/// Paths of files that the agent reads by itself, again and again: here it is only seen that they can be read.
enum FilePath {
    /// A file of certificates, of a private key, or of a key set. What is in it may be faulty for a moment while the file is
    /// exchanged, and is judged by the agent, which keeps the last good one.
    static func certificate(_ path: String) throws(Refusal) -> String {
        try absolute(path)
        _ = try BoundedFile.read(path, limit: Limits.certificateBytes)
        return path
    }

    /// A file that need not be there yet.
    static func output(_ path: String) throws(Refusal) -> String {
        try absolute(path)
        guard !path.hasSuffix("/"), path.utf8.count <= 4_000 else { throw Refusal("is not the path of a file") }
        return path
    }

    /// A file that somebody else writes, perhaps later and again: it need not be there yet.
    static func exchanged(_ path: String) throws(Refusal) -> String {
        try absolute(path)
        guard path.utf8.count <= 4_000 else { throw Refusal("is longer than a path can be") }
        return path
    }

    private static func absolute(_ path: String) throws(Refusal) {
        guard path.hasPrefix("/") else { throw Refusal("is not an absolute path") }
    }
}
