internal import Control
private import Glibc
internal import KernelPlane

/// What the agent noted of the devices that have a tree.
enum QdiscNotes {
    static func path(_ runDirectory: String) -> String { "\(runDirectory)/\(QdiscRecord.fileName)" }

    /// Empty: there is no tree.
    static func read(_ runDirectory: String) throws(CommandError) -> [QdiscRecord] {
        let path = path(runDirectory)
        guard access(path, F_OK) == 0 || errno != ENOENT && errno != ENOTDIR else { return [] }
        let text = try TextFile.read(path)
        do {
            return try ControlLine.decode([QdiscRecord].self, from: text.utf8)
        } catch {
            throw CommandError("\(path) cannot be used: \(error)")
        }
    }
}
