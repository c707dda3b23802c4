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
        output.append("x-request-id: ")
        if chosen.isEmpty { RequestIDs.append(number, to: &output) } else { output.append(contentsOf: chosen) }
        output.append("\r\n")
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

    /// Appends `req_` and sixteen hexadecimal digits.
    static func append(_ id: UInt64, to bytes: inout [UInt8]) {
        var digits = SIMD16<UInt8>()
        for index in digits.indices {
            let digit = UInt8(truncatingIfNeeded: id >> UInt64(60 - index * 4) & 0xF)
            digits[index] = digit < 10 ? 0x30 + digit : 0x57 + digit
        }
        bytes.append("req_")
        // Sixteen at once: each append of one byte would look whether the array is shared and large enough.
        withUnsafeBytes(of: digits) { bytes.append(contentsOf: $0) }
    }
}
