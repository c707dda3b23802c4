/// Writes a message in the protocol buffers' wire format (proto3): fields in the order of the calls, lengths as short as they
/// can be, so that a message has one form.
package struct ProtobufWriter: Sendable {
    package private(set) var bytes: [UInt8] = []

    private enum WireType: UInt64 {
        case varint = 0
        case fixed64 = 1
        case sized = 2
        case fixed32 = 5
    }

    package init() {}

    package var isEmpty: Bool { bytes.isEmpty }

    package mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

    // MARK: - Fields

    package mutating func varint(_ field: Int, _ value: UInt64) {
        tag(field, .varint)
        append(varint: value)
    }

    /// `int64`: a negative number takes ten bytes.
    package mutating func int(_ field: Int, _ value: Int64) { varint(field, UInt64(bitPattern: value)) }

    package mutating func bool(_ field: Int, _ value: Bool) { varint(field, value ? 1 : 0) }

    package mutating func fixed64(_ field: Int, _ value: UInt64) {
        tag(field, .fixed64)
        append(fixed64: value)
    }

    package mutating func fixed32(_ field: Int, _ value: UInt32) {
        tag(field, .fixed32)
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    package mutating func double(_ field: Int, _ value: Double) { fixed64(field, value.bitPattern) }

    package mutating func string(_ field: Int, _ value: some StringProtocol) {
        tag(field, .sized)
        append(varint: UInt64(value.utf8.count))
        bytes.append(contentsOf: value.utf8)
    }

    /// A text of somebody else's: what is no UTF-8 in it is replaced.
    package mutating func string(_ field: Int, repairing text: [UInt8]) {
        if text.allSatisfy({ $0 < 0x80 }) { bytes(field, text) } else { string(field, String(decoding: text, as: UTF8.self)) }
    }

    package mutating func bytes(_ field: Int, _ value: some Collection<UInt8>) {
        tag(field, .sized)
        append(varint: UInt64(value.count))
        bytes.append(contentsOf: value)
    }

    /// A number of eight bytes, or of sixteen, the highest byte first.
    package mutating func bytes(_ field: Int, bigEndian number: UInt64, _ low: UInt64? = nil) {
        tag(field, .sized)
        append(varint: low == nil ? 8 : 16)
        withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
        if let low { withUnsafeBytes(of: low.bigEndian) { bytes.append(contentsOf: $0) } }
    }

    /// Several numbers in one field.
    package mutating func packed(_ field: Int, fixed64 values: some Collection<UInt64>) {
        guard !values.isEmpty else { return }
        tag(field, .sized)
        append(varint: UInt64(8 * values.count))
        for value in values { append(fixed64: value) }
    }

    /// A message inside this one, even if it is empty.
    package mutating func message(_ field: Int, _ body: (inout ProtobufWriter) -> Void) {
        tag(field, .sized)
        // Only afterwards is it known how long it is; the length of most takes one byte.
        bytes.append(0)
        let start = bytes.count
        body(&self)
        var rest = UInt64(bytes.count - start)
        let more = max(0, (63 - rest.leadingZeroBitCount) / 7)
        if more > 0 { bytes.insert(contentsOf: repeatElement(0, count: more), at: start) }
        for index in start - 1..<start - 1 + more {
            bytes[index] = UInt8(truncatingIfNeeded: rest) | 0x80
            rest >>= 7
        }
        bytes[start - 1 + more] = UInt8(rest)
    }

    /// Fields that were written before.
    package mutating func raw(_ fields: [UInt8]) { bytes.append(contentsOf: fields) }

    // MARK: - Parts

    private mutating func tag(_ field: Int, _ type: WireType) { append(varint: UInt64(field) << 3 | type.rawValue) }

    private mutating func append(fixed64 value: UInt64) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    private mutating func append(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
