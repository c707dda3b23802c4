internal import BPF
import Glibc

/// What lies beside the pinned maps and says how to read them, for an agent of another version: the kernel tells a map's sizes to
/// everybody, but what its bytes are only to CAP_SYS_ADMIN.
struct LayoutNotes: Hashable, Sendable {
    /// MB_ABI_VERSION of whoever made the maps.
    var version: UInt32
    /// The oldest version in which what has the same name means the same.
    var floor: UInt32
    var maps: [String: MapLayout]

    /// Bytes that the pinned notes hold at most.
    static let capacity = PinnedBytes.chunk
    private static let name = "layouts"

    /// One line for a map, followed by one for each part of its keys (`k`) and values (`v`).
    var text: String {
        var text = "version \(version) floor \(floor)\n"
        for (name, layout) in maps.sorted(by: { $0.key < $1.key }) {
            let shape = layout.shape
            text += "map \(shape.type) \(shape.keySize) \(shape.valueSize) \(shape.maxEntries) \(shape.flags) \(name)\n"
            for leaf in layout.key { text += "k \(Self.line(leaf))\n" }
            for leaf in layout.value { text += "v \(Self.line(leaf))\n" }
        }
        return text
    }

    private static func line(_ leaf: MapLayout.Leaf) -> String {
        "\(leaf.kind.rawValue) \(leaf.offset) \(leaf.size) \(leaf.path)"
    }

    init(version: UInt32, floor: UInt32, maps: [String: MapLayout]) {
        self.version = version
        self.floor = floor
        self.maps = maps
    }

    /// nil: that is no such text, or it says of a part that it lies outside of its whole.
    init?(_ text: String) {
        var reader = Reader()
        for line in text.split(separator: "\n") {
            guard reader.take(line.split(separator: " ", omittingEmptySubsequences: false)) else { return nil }
        }
        reader.finish()
        guard let head = reader.head else { return nil }
        self.init(version: head.version, floor: head.floor, maps: reader.maps)
    }

    private struct Reader {
        var head: (version: UInt32, floor: UInt32)?
        var maps: [String: MapLayout] = [:]
        private var name = ""
        private var shape: MapShape?
        private var key: [MapLayout.Leaf] = []
        private var value: [MapLayout.Leaf] = []

        mutating func take(_ words: [Substring]) -> Bool {
            switch words.first {
            case "version" where words.count == 4 && words[2] == "floor" && head == nil:
                guard let version = UInt32(words[1]), let floor = UInt32(words[3]) else { return false }
                head = (version, floor)
                return true
            case "map" where words.count == 7:
                let numbers = words[1...5].compactMap { UInt32($0) }
                guard numbers.count == 5, maps.count < 64 else { return false }
                finish()
                name = String(words[6])
                shape = MapShape(
                    type: numbers[0], keySize: numbers[1], valueSize: numbers[2], maxEntries: numbers[3], flags: numbers[4])
                return true
            case "k" where words.count == 5: return take(part: words, of: shape?.keySize, into: &key)
            case "v" where words.count == 5: return take(part: words, of: shape?.valueSize, into: &value)
            default: return false
            }
        }

        private func take(part words: [Substring], of whole: UInt32?, into leaves: inout [MapLayout.Leaf]) -> Bool {
            guard let whole, let kind = words[1].first.flatMap(MapLayout.Leaf.Kind.init(rawValue:)), words[1].count == 1,
                let offset = UInt32(words[2]), let size = UInt32(words[3]), size > 0,
                UInt64(offset) + UInt64(size) <= UInt64(whole), leaves.count < 4096
            else { return false }
            leaves.append(MapLayout.Leaf(String(words[4]), kind, offset: Int(offset), size: Int(size)))
            return true
        }

        mutating func finish() {
            guard let shape else { return }
            maps[name] = MapLayout(shape: shape, key: key, value: value)
            (self.shape, key, value) = (nil, [], [])
        }
    }
}

extension LayoutNotes {
    /// What an object's maps look like.
    init(_ object: borrowing BPFObject, _ abi: ABIVersion) throws(BPFError) {
        var maps: [String: MapLayout] = [:]
        for map in PlaneMap.allCases { maps[map.rawValue] = try object.layout(ofMap: map.rawValue) }
        self.init(version: abi.number, floor: abi.floor, maps: maps)
    }

    /// Reads what is pinned; nil: nothing is, or it cannot be read.
    static func read(_ pin: String) throws(BPFError) -> LayoutNotes? {
        try PinnedBytes.read(pin, name: name).flatMap { LayoutNotes(String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)) }
    }

    /// Pins them; nothing may be pinned there.
    func pin(_ path: String) throws(BPFError) {
        let bytes = Array(text.utf8)
        // Agents of before read one entry of a map.
        guard bytes.count < Self.capacity else { throw BPFError(operation: "note the layouts in", object: path, errno: E2BIG) }
        try PinnedBytes.pin(bytes, at: path, name: Self.name)
    }
}
