/// How a piece of text looks.
package enum TopStyle: Hashable, Sendable {
    case plain, bold, dim, reverse, good, warning, bad, accent

    /// The attributes of ECMA-48; with `color` false only those that every terminal has.
    func code(color: Bool) -> String {
        switch self {
        case .plain: ""
        case .bold: "1"
        case .dim: color ? "2" : ""
        case .reverse: "7"
        case .good: color ? "32" : ""
        case .warning: color ? "33" : ""
        case .bad: color ? "31;1" : "1"
        case .accent: color ? "36" : ""
        }
    }
}

/// A line of the screen in pieces, each in one style. It knows how many columns it takes.
package struct TopLine: Hashable, Sendable {
    package struct Piece: Hashable, Sendable {
        package var text: String
        package var style: TopStyle
    }

    package private(set) var pieces: [Piece] = []
    package private(set) var width = 0

    package init() {}

    package init(_ text: String, _ style: TopStyle = .plain) { add(text, style) }

    package var text: String { pieces.map(\.text).joined() }

    package mutating func add(_ text: String, _ style: TopStyle = .plain) {
        guard !text.isEmpty else { return }
        pieces.append(Piece(text: text, style: style))
        width += Self.width(of: text)
    }

    /// Text in a field of so many columns: cut, or filled with blanks.
    package mutating func add(_ text: String, _ style: TopStyle = .plain, field: Int, right: Bool = false) {
        let shown = Self.cut(text, to: field)
        let blanks = String(repeating: " ", count: max(0, field - Self.width(of: shown)))
        add(right ? blanks + shown : shown + blanks, style)
    }

    /// Everything in another style.
    package func restyled(_ style: TopStyle) -> TopLine { TopLine(text, style) }

    /// The line cut to a width, and filled with blanks up to it where `fills`.
    package func fitted(to limit: Int, fills: Bool = false) -> TopLine {
        var line = TopLine()
        for piece in pieces where line.width < limit {
            line.add(Self.cut(piece.text, to: limit - line.width), piece.style)
        }
        if fills, line.width < limit {
            line.add(String(repeating: " ", count: limit - line.width), pieces.last?.style ?? .plain)
        }
        return line
    }

    // MARK: - Columns of a terminal

    package static func width(of text: String) -> Int { text.reduce(0) { $0 + width(of: $1) } }

    /// An ellipsis stands for what is cut off.
    package static func cut(_ text: String, to limit: Int) -> String {
        guard width(of: text) > limit else { return text }
        guard limit > 0 else { return "" }
        var kept = ""
        var room = limit - 1
        for character in text {
            let needed = width(of: character)
            guard needed <= room else { break }
            kept.append(character)
            room -= needed
        }
        return kept + "…"
    }

    private static func width(of character: Character) -> Int {
        guard let scalar = character.unicodeScalars.first else { return 0 }
        switch scalar.value {
        case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
            0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
            return 2
        default: return scalar.properties.generalCategory == .nonspacingMark ? 0 : 1
        }
    }
}
