private import Glibc

/// The pins of the programs' attachments. Whoever removes one detaches its program, whatever the agent still thinks.
struct PinnedLinks: Sendable {
    private let directory: String
    private let names: Set<String>

    /// Takes down what is pinned now: everything, right after the plane was brought up.
    init(pinDirectory: String) {
        directory = pinDirectory + "/links"
        names = Self.names(in: directory)
    }

    /// Whether all are still there.
    var areThere: Bool { !names.isEmpty && names.isSubset(of: Self.names(in: directory)) }

    private static func names(in directory: String) -> Set<String> {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var names: Set<String> = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name != ".", name != ".." { names.insert(name) }
        }
        return names
    }
}
