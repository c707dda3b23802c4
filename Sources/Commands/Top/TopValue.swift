/// One figure of a row: how it is written, by what it is sorted, and what of it goes into JSON.
package enum TopValue: Hashable, Sendable {
    case text(String)
    case count(UInt64)
    case integer(Int64)
    /// A second.
    case rate(Double)
    /// Microseconds; nil, here and below: not known.
    case latency(UInt64?)
    case bytes(UInt64)
    /// Milliseconds.
    case age(UInt64)
    /// So many of at most so many.
    case room(UInt64, of: UInt64?)
    /// Rates, the latest last.
    case history([Double])

    package var text: String {
        switch self {
        case .text(let text): text.isEmpty ? Units.absent : text.printable
        case .count(let count): "\(count)"
        case .integer(let number): "\(number)"
        case .rate(let rate): Self.rateText(rate)
        case .latency(let microseconds): Units.latency(microseconds: microseconds)
        case .bytes(let bytes): Units.bytes(bytes)
        case .age(let milliseconds): Units.duration(milliseconds: milliseconds)
        case .room(let count, let limit): limit.map { "\(count)/\($0)" } ?? "\(count)"
        case .history(let rates): Sparkline.text(rates)
        }
    }

    /// `0`, `0.5`, `12.3`, `1500`, `2.5M`.
    static func rateText(_ rate: Double) -> String {
        switch rate {
        case ..<0.05: "0"
        case ..<99.95: Units.tenths(rate)
        case ..<1_000_000: "\(Int(rate.rounded()))"
        default: Units.tenths(min(rate, 1e15) / 1_000_000) + "M"
        }
    }

    /// What it is sorted by where it is a number.
    private var number: Double? {
        switch self {
        case .text: nil
        case .count(let value), .bytes(let value), .age(let value), .room(let value, _): Double(value)
        case .integer(let value): Double(value)
        case .rate(let rate): rate
        case .latency(let microseconds): microseconds.map(Double.init) ?? -1
        case .history(let rates): rates.last ?? 0
        }
    }

    /// Whether it stands before another when sorted upwards.
    package func isLess(than other: TopValue) -> Bool {
        if let number, let theirs = other.number { return number < theirs }
        // There may be ten thousand flows to sort: what is made printable for a screen is not, here.
        if case .text(let mine) = self, case .text(let theirs) = other { return mine < theirs }
        return text < other.text
    }
}

extension TopValue: Encodable {
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let text): try container.encode(text)
        case .count(let value), .bytes(let value), .age(let value), .room(let value, _): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .rate(let rate): try container.encode(rate)
        case .latency(let microseconds):
            if let microseconds { try container.encode(microseconds) } else { try container.encodeNil() }
        case .history(let rates): try container.encode(rates)
        }
    }
}
