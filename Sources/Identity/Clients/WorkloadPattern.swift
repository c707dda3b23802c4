/// Which cgroups are meant: a pattern over cgroup paths below the cgroup v2 mount, as `/kubepods.slice/**/checkout*`.
///
/// `*` stands for any characters within a component, `?` for exactly one, `**` as a whole component for any number of
/// components, none included. Everything else stands for itself, a backslash too (systemd escapes with it). Case counts.
/// A pattern matches the cgroup itself; that its subtree belongs to it as well is for the caller to apply.
package struct WorkloadPattern: Hashable, Sendable, CustomStringConvertible {
    /// Bytes of a pattern and of a path; no longer path can exist.
    package static let maximumLength = 4_096

    enum Component: Hashable {
        case glob(ComponentGlob)
        /// `**`
        case anyNumber
    }

    private let text: String
    private let components: [Component]

    /// Reads a pattern; it must begin with `/`. `/` alone is the root cgroup.
    package init(_ text: String) throws(WorkloadPatternError) {
        guard !text.isEmpty else { throw .empty }
        guard text.utf8.count <= Self.maximumLength else { throw .tooLong }
        guard text.utf8.first == UInt8(ascii: "/") else { throw .notAbsolute }
        guard !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { throw .controlCharacter }
        self.text = text
        var components: [Component] = []
        for part in text.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        where text.utf8.count > 1 {
            components.append(try Self.component(Array(part)))
        }
        self.components = components
    }

    private static func component(_ bytes: [UInt8]) throws(WorkloadPatternError) -> Component {
        let star = UInt8(ascii: "*")
        let dot = UInt8(ascii: ".")
        guard !bytes.isEmpty else { throw .emptyComponent }
        guard bytes != [dot], bytes != [dot, dot] else { throw .dotComponent }
        if bytes == [star, star] { return .anyNumber }
        guard !zip(bytes, bytes.dropFirst()).contains(where: { $0 == star && $1 == star }) else { throw .doubleStarNotAlone }
        return .glob(ComponentGlob(bytes))
    }

    /// Whether the cgroup with this path below the mount is meant. A path that does not begin with `/`, or is longer
    /// than a path can be, is never. The work is at most the product of both lengths, whatever the pattern.
    package func matches(path: String) -> Bool {
        var path = path
        return path.withUTF8 { bytes in
            guard bytes.count <= Self.maximumLength, bytes.first == UInt8(ascii: "/") else { return false }
            return matches(Self.names(in: bytes))
        }
    }

    private static func names(in path: UnsafeBufferPointer<UInt8>) -> [Slice<UnsafeBufferPointer<UInt8>>] {
        path.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: true)
    }

    /// Only the last `**` met is ever widened: what stands before it has matched at the earliest place, so a later one
    /// leaves it no choice that it does not have already. That keeps the work bounded.
    private func matches(_ names: [Slice<UnsafeBufferPointer<UInt8>>]) -> Bool {
        var component = 0
        var name = 0
        var resume: (component: Int, name: Int)?
        while name < names.count || component < components.count {
            if component < components.count {
                switch components[component] {
                case .anyNumber:
                    resume = (component + 1, name)
                    component += 1
                    continue
                case .glob(let glob):
                    if name < names.count, glob.matches(names[name]) {
                        component += 1
                        name += 1
                        continue
                    }
                }
            }
            guard let last = resume, last.name < names.count else { return false }
            resume = (last.component, last.name + 1)
            (component, name) = (last.component, last.name + 1)
        }
        return true
    }

    package var description: String { text }

    package static func == (left: Self, right: Self) -> Bool { left.text == right.text }
    package func hash(into hasher: inout Hasher) { hasher.combine(text) }
}
