import HTTPWire

/// Appending to what is composed.
extension [UInt8] {
    mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { append(copying: UnsafeRawBufferPointer($0)) }
    }

    mutating func append(_ span: Span<UInt8>) {
        span.withUnsafeBytes { append(copying: $0) }
    }

    /// A number that is not negative.
    mutating func append(decimal number: some BinaryInteger) {
        var rest = UInt64(number)
        // String(number) takes ten times as long.
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var first = digits.count
            repeat {
                first -= 1
                digits[first] = UInt8(truncatingIfNeeded: 0x30 + rest % 10)
                rest /= 10
            } while rest > 0
            append(copying: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(digits)[first...]))
        }
    }
}
