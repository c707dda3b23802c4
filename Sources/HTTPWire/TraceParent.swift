/// The `traceparent` field of W3C Trace Context: which trace a request belongs to, and what sent it.
package struct TraceParent: Hashable, Sendable {
    /// `00-` + 32 digits + `-` + 16 digits + `-` + 2 digits
    package static let size = 55
    package static let sampledFlag: UInt8 = 1
    /// Flags that are passed on: sampled, and of level 2 that the trace's id is random.
    package static let knownFlags: UInt8 = 3

    /// The trace's id: sixteen bytes, not all of them zero.
    package var high: UInt64
    package var low: UInt64
    /// The span that sent the request; never 0.
    package var parent: UInt64
    /// Those of `knownFlags`.
    package var flags: UInt8

    package init(high: UInt64, low: UInt64, parent: UInt64, flags: UInt8) {
        self.high = high
        self.low = low
        self.parent = parent
        self.flags = flags
    }

    package var isSampled: Bool { flags & Self.sampledFlag != 0 }

    /// nil: it is not what the recommendation has, and nothing of it may be used: another form, letters in upper case, the
    /// version ff, an id of zeros. What a version to come has behind the flags is not looked at.
    package init?(parsing bytes: Span<UInt8>, _ range: Range<Int>) {
        let start = range.lowerBound
        guard range.count >= Self.size, bytes[start + 2] == 0x2D, bytes[start + 35] == 0x2D, bytes[start + 52] == 0x2D,
            let version = Self.number(bytes, start..<start + 2), version != 0xFF
        else { return nil }
        guard range.count == Self.size || (version > 0 && bytes[start + Self.size] == 0x2D) else { return nil }
        guard let high = Self.number(bytes, start + 3..<start + 19), let low = Self.number(bytes, start + 19..<start + 35),
            let parent = Self.number(bytes, start + 36..<start + 52), let flags = Self.number(bytes, start + 53..<start + 55)
        else { return nil }
        guard high | low != 0, parent != 0 else { return nil }
        self.init(high: high, low: low, parent: parent, flags: UInt8(flags) & Self.knownFlags)
    }

    /// At most sixteen digits, of which letters are small.
    private static func number(_ bytes: Span<UInt8>, _ digits: Range<Int>) -> UInt64? {
        var number: UInt64 = 0
        for index in digits {
            let byte = bytes[index]
            switch byte {
            case 0x30...0x39: number = number << 4 | UInt64(byte - 0x30)
            case 0x61...0x66: number = number << 4 | UInt64(byte - 0x57)
            default: return nil
            }
        }
        return number
    }

    /// Appends the line of the field, in version 00.
    package func appendField(to output: inout [UInt8]) {
        Self.append("traceparent: 00-", to: &output)
        Self.append(high, to: &output)
        Self.append(low, to: &output)
        Self.append("-", to: &output)
        Self.append(parent, to: &output)
        Self.append("-0", to: &output)
        output.append(Self.digit(flags & Self.knownFlags))
        Self.append("\r\n", to: &output)
    }

    private static func append(_ text: StaticString, to output: inout [UInt8]) {
        text.withUTF8Buffer { output.append(copying: UnsafeRawBufferPointer($0)) }
    }

    private static func append(_ number: UInt64, to output: inout [UInt8]) {
        for shift in stride(from: 60, through: 0, by: -4) {
            output.append(digit(UInt8(truncatingIfNeeded: number >> shift) & 0xF))
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }
}

/// What a head says of a trace, found by a pass of its own: only where traces are made.
package struct TraceFields: Sendable {
    /// nil: there is none, or none that may be used.
    package private(set) var parent: TraceParent?
    /// The value of `tracestate`, where there is one line of it and the parent is valid.
    package private(set) var state = Piece.none
    private var parents = 0
    private var states = 0

    package init() {}

    mutating func take(parent value: Range<Int>, in bytes: Span<UInt8>) {
        parents += 1
        parent = parents == 1 ? TraceParent(parsing: bytes, value) : nil
    }

    mutating func take(state value: Range<Int>) {
        states += 1
        state = states == 1 ? Piece(value) : .none
    }

    mutating func finish() { if parent == nil { state = .none } }
}
