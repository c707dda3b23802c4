/// A key that was pressed.
package enum TopKey: Hashable, Sendable {
    case character(Character)
    case enter, escape, backspace, tab, backTab, up, down, left, right, pageUp, pageDown, home, end
    case interrupt, suspend, redraw
}

/// Makes keys of what a terminal sends.
package struct TopKeyReader: Sendable {
    private var bytes: [UInt8] = []

    package init() {}

    /// Something has come that may be Escape, or the beginning of another key.
    package var isPending: Bool { !bytes.isEmpty }

    /// The keys that are whole.
    package mutating func read(_ new: some Sequence<UInt8>) -> [TopKey] {
        bytes += new
        return takeAll(isFinal: false)
    }

    /// Nothing follows: what is pending is what it looks like.
    package mutating func flush() -> [TopKey] { takeAll(isFinal: true) }

    private mutating func takeAll(isFinal: Bool) -> [TopKey] {
        var keys: [TopKey] = []
        while let first = bytes.first {
            guard let (key, size) = first == 0x1B ? sequence(isFinal) : plain(first, isFinal) else { break }
            bytes.removeFirst(size)
            if let key { keys.append(key) }
        }
        return keys
    }

    /// A key and how many bytes it is of; no key: nothing that is known; nil: more has to come.
    private func plain(_ first: UInt8, _ isFinal: Bool) -> (TopKey?, Int)? {
        switch first {
        case 0x03: return (.interrupt, 1)
        case 0x1A: return (.suspend, 1)
        case 0x0C: return (.redraw, 1)
        case 0x09: return (.tab, 1)
        case 0x0A, 0x0D: return (.enter, 1)
        case 0x08, 0x7F: return (.backspace, 1)
        case 0x20..<0x7F: return (.character(Character(Unicode.Scalar(first))), 1)
        case 0xC2..<0xF5: return multibyte(first, isFinal)
        default: return (nil, 1)
        }
    }

    private func multibyte(_ first: UInt8, _ isFinal: Bool) -> (TopKey?, Int)? {
        let size = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
        guard bytes.count >= size else { return isFinal ? (nil, bytes.count) : nil }
        guard let text = String(validating: bytes.prefix(size), as: UTF8.self), let character = text.first else {
            return (nil, 1)
        }
        return (.character(character), size)
    }

    /// ESC [ or ESC O, parameters, a letter or `~`.
    private func sequence(_ isFinal: Bool) -> (TopKey?, Int)? {
        guard bytes.count > 1 else { return isFinal ? (.escape, 1) : nil }
        guard bytes[1] == UInt8(ascii: "[") || bytes[1] == UInt8(ascii: "O") else { return (.escape, 1) }
        guard let end = bytes.dropFirst(2).firstIndex(where: { (0x40...0x7E).contains($0) }) else {
            // No key is that long.
            return isFinal || bytes.count > 16 ? (nil, bytes.count) : nil
        }
        let parameter = String(decoding: bytes[2..<end].prefix { $0 != UInt8(ascii: ";") }, as: UTF8.self)
        return (Self.key(Character(Unicode.Scalar(bytes[end])), parameter), end + 1)
    }

    private static func key(_ letter: Character, _ parameter: String) -> TopKey? {
        switch (letter, parameter) {
        case ("A", _): .up
        case ("B", _): .down
        case ("C", _): .right
        case ("D", _): .left
        case ("H", _), ("~", "1"), ("~", "7"): .home
        case ("F", _), ("~", "4"), ("~", "8"): .end
        case ("Z", _): .backTab
        case ("~", "5"): .pageUp
        case ("~", "6"): .pageDown
        default: nil
        }
    }
}
