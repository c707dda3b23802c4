/// Takes a message apart. Every length is checked against what is left before anything is read or allocated, so no input
/// can trap or claim memory that it does not send.
struct WireReader {
    private let bytes: [UInt8]
    private var position = 0
    /// The version of the format that the message is written in.
    var version = Wire.version

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var remaining: Int { bytes.count - position }

    /// Refuses what is left over.
    func finish() throws(WireError) {
        guard remaining == 0 else { throw .trailingBytes(remaining) }
    }

    mutating func byte() throws(WireError) -> UInt8 {
        guard remaining > 0 else { throw .truncated }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func integer<Integer: FixedWidthInteger>(_ type: Integer.Type = Integer.self) throws(WireError) -> Integer {
        let size = MemoryLayout<Integer>.size
        guard remaining >= size else { throw .truncated }
        let value = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: position, as: Integer.self) }
        position += size
        return Integer(littleEndian: value)
    }

    mutating func boolean() throws(WireError) -> Bool {
        switch try byte() {
        case 0: false
        case 1: true
        default: throw .invalidValue
        }
    }

    mutating func natural() throws(WireError) -> Int {
        guard let value = Int(exactly: try integer(UInt64.self)) else { throw .invalidValue }
        return value
    }

    mutating func text() throws(WireError) -> String {
        let count = try count(elementSize: 1)
        guard let text = String(validating: bytes[position..<position + count], as: UTF8.self) else { throw .notUTF8 }
        position += count
        return text
    }

    /// As many bytes as the message says.
    mutating func sized() throws(WireError) -> [UInt8] {
        Array(try take(try count(elementSize: 1)))
    }

    /// As many bytes as asked for.
    mutating func take(_ count: Int) throws(WireError) -> ArraySlice<UInt8> {
        guard remaining >= count else { throw .truncated }
        defer { position += count }
        return bytes[position..<position + count]
    }

    mutating func value<Value: WireCoded>(_ type: Value.Type = Value.self) throws(WireError) -> Value {
        try Value(from: &self)
    }

    mutating func list<Element: WireCoded>(of type: Element.Type = Element.self) throws(WireError) -> [Element] {
        let count = try count(elementSize: Element.wireMinimum)
        var list: [Element] = []
        list.reserveCapacity(count)
        for _ in 0..<count { list.append(try Element(from: &self)) }
        return list
    }

    mutating func optional<Value: WireCoded>(_ type: Value.Type = Value.self) throws(WireError) -> Value? {
        try boolean() ? try Value(from: &self) : nil
    }

    mutating func optionalList<Element: WireCoded>(of type: Element.Type = Element.self) throws(WireError) -> [Element]? {
        try boolean() ? try list() : nil
    }

    mutating func caseOf<Case: CaseIterable>(_ type: Case.Type = Case.self) throws(WireError) -> Case {
        let position = try byte()
        for (index, candidate) in Case.allCases.enumerated() where index == Int(position) { return candidate }
        throw .unknownTag(position)
    }

    mutating func tagged<Case: RawRepresentable<UInt8>>(_ type: Case.Type = Case.self) throws(WireError) -> Case {
        let tag = try byte()
        guard let value = Case(rawValue: tag) else { throw .unknownTag(tag) }
        return value
    }

    private mutating func count(elementSize: Int) throws(WireError) -> Int {
        let count = try integer(UInt32.self)
        guard Int(count) <= remaining / max(elementSize, 1) else { throw .countTooLarge(count) }
        return Int(count)
    }
}
