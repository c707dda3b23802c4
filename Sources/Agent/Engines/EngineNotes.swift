internal import ControlCoding

/// What an agent leaves for the one after it about the servers that run on: `<run-dir>/engines/notes.json`.
struct EngineNotes: Hashable, Sendable, Codable {
    struct Note: Hashable, Sendable, Codable {
        var url: String
        var number: Int
        var pid: Int32
        var uid: UInt32
        var gid: UInt32
        var isReady: Bool
        var starts: UInt64
        var crashes: UInt64
        /// Of the program that it was started with.
        var fingerprint: String
    }

    var engines: [Note] = []

    /// None when there are none, or none that can be read.
    static func read(_ path: String) -> EngineNotes {
        guard let bytes = try? File.read(path) else { return EngineNotes() }
        return (try? ControlLine.decode(EngineNotes.self, from: bytes)) ?? EngineNotes()
    }

    func write(_ path: String) throws(AgentError) {
        do {
            try File.replace(path, with: try ControlLine.encode(self), mode: 0o600)
        } catch {
            throw AgentError("\(error)")
        }
    }
}
