/// Times and numbers as field values have them.
enum FieldDuration {
    /// Longest time that is told apart from longer ones: 30 days in nanoseconds.
    static let limit: UInt64 = 30 * 86_400_000_000_000

    /// The nanoseconds of a time such as `6m0s`, `1h2m3.5s`, `12ms`, or of a bare number of units; nil: it is none.
    static func parse(_ value: Range<Int>, in bytes: Span<UInt8>, unit bareUnit: UInt64) -> UInt64? {
        var index = value.lowerBound
        var sum: UInt64 = 0
        guard index < value.upperBound else { return nil }
        while index < value.upperBound {
            guard let number = Decimal(&index, value.upperBound, in: bytes) else { return nil }
            let unit: UInt64
            if index == value.upperBound, number.start == value.lowerBound {
                unit = bareUnit
            } else {
                guard let named = takeUnit(&index, value.upperBound, in: bytes) else { return nil }
                unit = named
            }
            sum = min(limit, sum + number.times(unit))
        }
        return sum
    }

    /// A number of at most 18 digits; a fraction is left off.
    static func wholeNumber(_ value: Range<Int>, in bytes: Span<UInt8>) -> UInt64? {
        var index = value.lowerBound
        guard let number = Decimal(&index, value.upperBound, in: bytes), index == value.upperBound else { return nil }
        return number.whole
    }

    /// Takes the name of a unit: letters up to the next digit.
    private static func takeUnit(_ index: inout Int, _ end: Int, in bytes: Span<UInt8>) -> UInt64? {
        let start = index
        while index < end, !ByteClass.isDigit(bytes[index]), bytes[index] != 0x2E { index += 1 }
        let name = start..<index
        switch name.count {
        case 1 where bytes.equals(name, ignoringCase: "s"): return 1_000_000_000
        case 1 where bytes.equals(name, ignoringCase: "m"): return 60_000_000_000
        case 1 where bytes.equals(name, ignoringCase: "h"): return 3_600_000_000_000
        case 1 where bytes.equals(name, ignoringCase: "d"): return 86_400_000_000_000
        case 2 where bytes.equals(name, ignoringCase: "ms"): return 1_000_000
        case 2 where bytes.equals(name, ignoringCase: "us"): return 1_000
        case 2 where bytes.equals(name, ignoringCase: "ns"): return 1
        case 3 where bytes.equals(name, "\u{B5}s"), 3 where bytes.equals(name, "\u{3BC}s"): return 1_000
        default: return nil
        }
    }
}

/// A decimal number of at most 18 digits before its point.
private struct Decimal {
    let start: Int
    private(set) var whole: UInt64 = 0
    /// Billionths.
    private var fraction: UInt64 = 0

    /// Takes the number that starts at `index`; nil: there is none.
    init?(_ index: inout Int, _ end: Int, in bytes: Span<UInt8>) {
        start = index
        while index < end, ByteClass.isDigit(bytes[index]) {
            guard index - start < 18 else { return nil }
            whole = whole * 10 + UInt64(bytes[index] & 0xF)
            index += 1
        }
        guard index > start else { return nil }
        guard index < end, bytes[index] == 0x2E else { return }
        index += 1
        var place: UInt64 = 100_000_000
        let point = index
        while index < end, ByteClass.isDigit(bytes[index]) {
            fraction += UInt64(bytes[index] & 0xF) * place
            place /= 10
            index += 1
        }
        guard index > point else { return nil }
    }

    /// The number of nanoseconds of so many units, at most `FieldDuration.limit`.
    func times(_ unit: UInt64) -> UInt64 {
        let (product, isTooLarge) = whole.multipliedReportingOverflow(by: unit)
        guard !isTooLarge, product < FieldDuration.limit else { return FieldDuration.limit }
        // A unit is less than 2^47 and a billionth of it is exact enough.
        let (high, low) = fraction.multipliedFullWidth(by: unit)
        return product + UInt64(1_000_000_000).dividingFullWidth((high, low)).quotient
    }
}
