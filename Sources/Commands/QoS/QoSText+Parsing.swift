package import Catalog

/// The other way: nil where the text is no such value.
extension QoSText {
    package static func rate(_ text: String) -> Rate? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let units = number(parts[0]), units < 1 << 53,
            let window = Rate.Window(rawValue: String(parts[1]))
        else { return nil }
        return Rate(units, per: window)
    }

    package static func burst(_ text: String) -> UInt64? { number(text).flatMap { $0 > 0 && $0 < 1 << 53 ? $0 : nil } }

    package static func connections(_ text: String) -> UInt64? { number(text).flatMap { $0 < 1 << 53 ? $0 : nil } }

    package static func dscp(_ text: String) -> UInt8? { number(text).flatMap { $0 <= 63 ? UInt8($0) : nil } }

    /// Bytes by the second, at least 1.
    package static func bandwidth(_ text: String) -> UInt64? {
        guard text.hasSuffix("/s") else { return nil }
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text[digits.endIndex...].dropLast(2)
        guard let count = number(digits), let bits = bitUnits[String(unit)] else { return nil }
        let (total, overflow) = count.multipliedReportingOverflow(by: bits)
        return overflow || total < 8 ? nil : total / 8
    }

    package static func priority(_ text: String) -> UInt8? {
        priorityNames.first { $0.name == text }?.value ?? number(text).flatMap { $0 <= 7 ? UInt8($0) : nil }
    }

    private static func number(_ text: some StringProtocol) -> UInt64? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        return UInt64(text)
    }
}
