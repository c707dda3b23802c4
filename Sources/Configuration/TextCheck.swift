/// What is checked on the bytes of a file before a YAML parser sees them.
enum TextCheck {
    /// The text of the file; a byte order mark is dropped.
    static func text(of bytes: some Collection<UInt8>) throws(ConfigurationFaults) -> String {
        guard bytes.count <= Limits.fileBytes else {
            throw ConfigurationFaults([whole("the file is larger than \(Limits.fileBytes >> 20) MiB")])
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            let line = firstInvalidLine(bytes)
            throw ConfigurationFaults([ConfigurationFault(line: line, key: "", message: "the file is not UTF-8 text")])
        }
        let utf8 = text.utf8.starts(with: byteOrderMark) ? text.utf8.dropFirst(byteOrderMark.count) : text.utf8[...]
        try refuseControlCharacters(utf8)
        try refuseAnchorLikenesses(utf8)
        return String(Substring(utf8))
    }

    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    private static func whole(_ message: String) -> ConfigurationFault {
        ConfigurationFault(line: nil, key: "", message: message)
    }

    private static func firstInvalidLine(_ bytes: some Collection<UInt8>) -> Int {
        for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
        where String(validating: line, as: UTF8.self) == nil {
            return index + 1
        }
        return 1
    }

    private static func refuseControlCharacters(_ utf8: some Sequence<UInt8>) throws(ConfigurationFaults) {
        var line = 1
        for byte in utf8 {
            if byte == UInt8(ascii: "\n") { line += 1 }
            let allowed = byte >= 0x20 || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") || byte == UInt8(ascii: "\t")
            guard allowed && byte != 0x7F else {
                let name = "U+" + (byte < 16 ? "000" : "00") + String(byte, radix: 16, uppercase: true)
                let message = "the control character \(name) is not allowed in a configuration"
                throw ConfigurationFaults([ConfigurationFault(line: line, key: "", message: message)])
            }
        }
    }

    /// Aliases of aliases can stand for more text than memory holds, and a parser compares keys before anybody can
    /// look at them. So a file with more than a handful of what could be anchors or aliases is not parsed at all.
    /// The few that remain cannot grow far; the composer refuses them with their lines.
    private static func refuseAnchorLikenesses(_ utf8: some Sequence<UInt8>) throws(ConfigurationFaults) {
        var scan = AnchorScan()
        for byte in utf8 {
            scan.take(byte)
            guard scan.likenesses <= Limits.anchorLikenesses else {
                let message = "YAML anchors and aliases (&name, *name) are not supported; write every value out"
                throw ConfigurationFaults([ConfigurationFault(line: scan.line, key: "", message: message)])
            }
        }
    }
}

/// Counts `&name` and `*name` where YAML could read an anchor or alias. It may count too many, never too few.
private struct AnchorScan {
    private(set) var likenesses = 0
    private(set) var line = 1
    private var lineIsBlankSoFar = true
    private var inComment = false
    private var previous = UInt8(ascii: "\n")
    private var beforePrevious = UInt8(ascii: "\n")

    mutating func take(_ byte: UInt8) {
        if !inComment, isIndicator(previous), isOpening(beforePrevious), isNameByte(byte) { likenesses += 1 }
        switch byte {
        case UInt8(ascii: "\n"), UInt8(ascii: "\r"), 0x85, 0xA8, 0xA9:
            // The last three end the line breaks beyond ASCII that YAML knows.
            line += byte == UInt8(ascii: "\n") ? 1 : 0
            lineIsBlankSoFar = true
            inComment = false
        case UInt8(ascii: " "), UInt8(ascii: "\t"): break
        case UInt8(ascii: "\""), UInt8(ascii: "'"):
            // What looks like a comment may be the last line of quoted text, which ends here.
            lineIsBlankSoFar = false
            inComment = false
        default:
            if lineIsBlankSoFar { inComment = byte == UInt8(ascii: "#") }
            lineIsBlankSoFar = false
        }
        beforePrevious = previous
        previous = byte
    }

    private func isIndicator(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "&") || byte == UInt8(ascii: "*") }

    private func isOpening(_ byte: UInt8) -> Bool {
        switch byte {
        case 0...0x20, UInt8(ascii: "["), UInt8(ascii: "{"), UInt8(ascii: ","), UInt8(ascii: ":"), 0x85, 0xA8, 0xA9: true
        default: false
        }
    }

    private func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
