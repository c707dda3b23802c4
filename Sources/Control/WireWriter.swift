/// Builds a message: integers little-endian, texts and lists behind a 32-bit count.
struct WireWriter {
    private(set) var bytes: [UInt8] = []

    mutating func write(_ value: UInt8) { bytes.append(value) }

    mutating func write(_ value: some FixedWidthInteger) { write(integer: value) }

    /// By itself, since it can stand in lists too, and would otherwise be two things at once.
    mutating func write(_ value: UInt32) { write(integer: value) }

    private mutating func write(integer value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func write(_ value: Bool) { bytes.append(value ? 1 : 0) }

    mutating func write(_ text: String) {
        write(UInt32(clamping: text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    /// Numbers that are never negative.
    mutating func write(natural value: Int) { write(UInt64(clamping: value)) }

    mutating func write(_ value: some WireCoded) { value.write(to: &self) }

    mutating func write(_ list: [some WireCoded]) {
        write(UInt32(clamping: list.count))
        for element in list { element.write(to: &self) }
    }

    mutating func write(_ list: [some WireCoded]?) {
        write(list != nil)
        if let list { write(list) }
    }

    mutating func write<Value: WireCoded>(_ value: Value?) {
        write(value != nil)
        if let value { write(value) }
    }

    /// Bytes with their number before them.
    mutating func write(sized value: [UInt8]) {
        write(UInt32(clamping: value.count))
        bytes.append(contentsOf: value)
    }

    /// A case of a plain enumeration, by its position: the order of declaration is part of the format.
    mutating func write<Case: CaseIterable & Equatable>(caseOf value: Case) {
        var position: UInt8 = 0
        for candidate in Case.allCases {
            if candidate == value { break }
            position += 1
        }
        write(position)
    }
}

/// A value that has a form in messages.
protocol WireCoded {
    /// The least number of bytes that it takes: bounds what a count may claim before anything is allocated.
    static var wireMinimum: Int { get }
    func write(to writer: inout WireWriter)
    init(from reader: inout WireReader) throws(WireError)
}

extension UInt32: WireCoded {
    static var wireMinimum: Int { 4 }
    func write(to writer: inout WireWriter) { writer.write(self) }
    init(from reader: inout WireReader) throws(WireError) { self = try reader.integer() }
}

extension String: WireCoded {
    static var wireMinimum: Int { 4 }
    func write(to writer: inout WireWriter) { writer.write(self) }
    init(from reader: inout WireReader) throws(WireError) { self = try reader.text() }
}
