import Catalog
import HTTPWire

/// Values as audit lines have them.
enum AuditText {
    /// Appends the inside of a JSON string; what is no UTF-8 in `text` is told by U+FFFD.
    static func append(_ text: Span<UInt8>, to bytes: inout [UInt8]) {
        if (try? UTF8Span(validating: text)) != nil { return JSONEscape.append(text, to: &bytes) }
        let repaired = text.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
        JSONText.append(escaping: repaired, to: &bytes)
    }

    /// Appends `2026-11-19T08:15:30.123Z`.
    ///
    /// - Parameter milliseconds: since 1970, UTC.
    static func append(time milliseconds: Int64, to bytes: inout [UInt8]) {
        let moment = max(0, milliseconds)
        let date = CivilDate(daysSince1970: moment / 86_400_000)
        let second = moment / 1000 % 86_400
        append(padded: date.year, 4, to: &bytes)
        bytes.append(0x2D)
        append(padded: Int64(date.month), 2, to: &bytes)
        bytes.append(0x2D)
        append(padded: Int64(date.day), 2, to: &bytes)
        bytes.append(0x54)
        append(padded: second / 3600, 2, to: &bytes)
        bytes.append(0x3A)
        append(padded: second / 60 % 60, 2, to: &bytes)
        bytes.append(0x3A)
        append(padded: second % 60, 2, to: &bytes)
        bytes.append(0x2E)
        append(padded: moment % 1000, 3, to: &bytes)
        bytes.append(0x5A)
    }

    /// Appends thousandths of a unit as a decimal number: 12345 is 12.345.
    static func append(thousandths number: UInt64, to bytes: inout [UInt8]) {
        append(number, by: 1000, digits: 3, to: &bytes)
    }

    /// Appends millionths of a unit: 12345 is 0.012345.
    static func append(millionths number: UInt64, to bytes: inout [UInt8]) {
        append(number, by: 1_000_000, digits: 6, to: &bytes)
    }

    private static func append(_ number: UInt64, by unit: UInt64, digits: Int, to bytes: inout [UInt8]) {
        bytes.append(decimal: number / unit)
        bytes.append(0x2E)
        append(padded: Int64(number % unit), digits, to: &bytes)
    }

    private static func append(padded number: Int64, _ width: Int, to bytes: inout [UInt8]) {
        var place: Int64 = 1
        for _ in 1..<width { place *= 10 }
        while place > 1, number < place {
            bytes.append(0x30)
            place /= 10
        }
        bytes.append(decimal: number)
    }

    /// Appends `127.0.0.1:8000`; of the newer protocol `[::1]:8000`.
    static func append(_ address: SocketAddress, to bytes: inout [UInt8]) {
        guard address.ip.family == .v4 else { return bytes.append(contentsOf: address.description.utf8) }
        for index in 0..<4 {
            if index > 0 { bytes.append(0x2E) }
            bytes.append(decimal: address.ip.byte(index))
        }
        bytes.append(0x3A)
        bytes.append(decimal: address.port)
    }
}
