/// Numbers with and without units.
enum NumberText {
    /// Decimal digits only: no sign, no blanks, no leading zero.
    static func digits(_ text: some StringProtocol) -> Int? {
        guard isAllDigits(text) else { return nil }
        guard text.utf8.count == 1 || text.utf8.first != UInt8(ascii: "0") else { return nil }
        return Int(text)
    }

    static func isAllDigits(_ text: some StringProtocol) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    static func integer(_ text: String, in range: ClosedRange<Int>) throws(Refusal) -> Int {
        guard let number = digits(text), range.contains(number) else {
            throw Refusal("is not a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// A whole number that may be negative.
    static func signed(_ text: String, in range: ClosedRange<Int>) throws(Refusal) -> Int {
        let isNegative = text.hasPrefix("-")
        guard let number = digits(isNegative ? text.dropFirst() : text[...]), range.contains(isNegative ? -number : number)
        else {
            throw Refusal("is not a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return isNegative ? -number : number
    }

    /// A duration in milliseconds: `500ms`, `10s`, `5m`, `1h`; 1 ms to 24 h.
    static func milliseconds(_ text: String) throws(Refusal) -> Int {
        try milliseconds(text, in: 1...86_400_000, "from 1ms to 24h")
    }

    static func milliseconds(_ text: String, in range: ClosedRange<Int>, _ shownRange: String) throws(Refusal) -> Int {
        let forms = "durations are 500ms, 10s, 5m or 1h"
        guard let (number, unit) = split(text), !unit.isEmpty else {
            throw Refusal("is not a duration; \(forms)")
        }
        guard let factor = ["ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000][unit] else {
            throw Refusal("has no known unit of time; \(forms)")
        }
        return try scaled(number, by: factor, in: range, "is not \(shownRange)")
    }

    /// A size in bytes: `32MiB`, `1GiB`, `500KB` or plain bytes.
    static func bytes(_ text: String, in range: ClosedRange<Int>, _ shownRange: String) throws(Refusal) -> Int {
        let forms = "sizes are 32MiB, 1GiB, 500KB or plain bytes"
        guard let (number, unit) = split(text) else { throw Refusal("is not a size; \(forms)") }
        let units = [
            "": 1, "B": 1, "KB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30,
        ]
        guard let factor = units[unit] else { throw Refusal("has no known unit of size; \(forms)") }
        return try scaled(number, by: factor, in: range, "is not \(shownRange)")
    }

    /// `20%`
    static func percent(_ text: String, in range: ClosedRange<Int>) throws(Refusal) -> Int {
        guard text.hasSuffix("%"), let number = digits(text.dropLast()), range.contains(number) else {
            throw Refusal("is not a percentage from \(range.lowerBound)% to \(range.upperBound)%")
        }
        return number
    }

    /// A number with up to six decimals, from 0 to a thousand million, in millionths: `2.5`.
    static func millionths(_ text: String) throws(Refusal) -> UInt64 {
        let refusal = Refusal("is not a number from 0 to 1000000000 with at most six decimals, as 2.5")
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = digits(parts[0]), whole <= 1_000_000_000 else { throw refusal }
        guard parts.count == 2 else { return UInt64(whole) * 1_000_000 }
        guard isAllDigits(parts[1]), parts[1].utf8.count <= 6 else { throw refusal }
        let decimals = parts[1] + String(repeating: "0", count: 6 - parts[1].utf8.count)
        return UInt64(whole) * 1_000_000 + (UInt64(decimals) ?? 0)
    }

    private static func split(_ text: String) -> (number: Int, unit: String)? {
        let number = text.prefix { $0.isASCII && $0.isNumber }
        guard let value = digits(number) else { return nil }
        return (value, String(text[number.endIndex...]))
    }

    private static func scaled(
        _ number: Int, by factor: Int, in range: ClosedRange<Int>, _ reason: String
    ) throws(Refusal) -> Int {
        let (product, overflow) = number.multipliedReportingOverflow(by: factor)
        guard !overflow, range.contains(product) else { throw Refusal(reason) }
        return product
    }
}
