import HTTPWire

/// The `x-request-id` of a request: what the caller chose, or one of ours.
struct RequestID: Sendable {
    private var number: UInt64 = 0
    private var chosen: [UInt8] = []

    /// Takes the id of a new request.
    mutating func set(_ head: RequestHead, _ bytes: Span<UInt8>, otherwise number: UInt64) {
        self.number = number
        chosen.removeAll(keepingCapacity: true)
        if !head.requestID.isEmpty { chosen.append(bytes, head.requestID.range) }
    }

    func appendField(to output: inout [UInt8]) {
        if chosen.isEmpty {
            output.append("x-request-id: req_")
            RequestIDs.append(number, to: &output)
        } else {
            output.append("x-request-id: ")
            output.append(contentsOf: chosen)
        }
        output.append("\r\n")
    }

    /// Bytes of the id.
    var valueSize: Int { max(chosen.count, 20) }

    /// Writes the id as the inside of a JSON string.
    func writeValue(_ line: inout LineWriter) {
        guard chosen.isEmpty else { return line.add(json: chosen.span) }
        line.add("req_")
        RequestIDs.write(number, &line)
    }
}

/// Request ids: unlikely to meet again, cheap to make, of no use as a secret (SplitMix64).
struct RequestIDs: Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    /// Appends the sixteen hexadecimal digits of an id.
    static func append(_ id: UInt64, to bytes: inout [UInt8]) {
        let digits = (hexadecimal(UInt32(truncatingIfNeeded: id >> 32)), hexadecimal(UInt32(truncatingIfNeeded: id)))
        withUnsafeBytes(of: digits) { bytes.append(contentsOf: $0) }
    }

    static func write(_ id: UInt64, _ line: inout LineWriter) {
        let digits = (hexadecimal(UInt32(truncatingIfNeeded: id >> 32)), hexadecimal(UInt32(truncatingIfNeeded: id)))
        withUnsafeBytes(of: digits) { line.add($0.bindMemory(to: UInt8.self).span) }
    }

    /// Eight digits as they stand in memory.
    private static func hexadecimal(_ number: UInt32) -> UInt64 {
        // Each half of the digits to its half of the word, and so on, until each has a byte.
        var digits = UInt64(number)
        digits = (digits | digits << 16) & 0x0000_FFFF_0000_FFFF
        digits = (digits | digits << 8) & 0x00FF_00FF_00FF_00FF
        digits = (digits | digits << 4) & 0x0F0F_0F0F_0F0F_0F0F
        let letters = (digits &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        return (digits &+ 0x3030_3030_3030_3030 &+ letters &* 0x27).bigEndian
    }
}
