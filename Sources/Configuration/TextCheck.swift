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
}
