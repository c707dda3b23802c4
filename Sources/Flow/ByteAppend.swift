/// Appending to what is composed. `append(contentsOf:)` of a buffer costs several times as much for the few bytes that most
/// pieces are.
extension [UInt8] {
    mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { append(copying: UnsafeRawBufferPointer($0)) }
    }

    mutating func append(_ span: Span<UInt8>) {
        span.withUnsafeBytes { append(copying: $0) }
    }

    mutating func append(_ span: Span<UInt8>, _ range: Range<Int>) {
        append(span.extracting(range))
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

    private mutating func append(copying source: UnsafeRawBufferPointer) {
        append(addingCapacity: source.count) { output in
            output.withUnsafeMutableBufferPointer { free, count in
                UnsafeMutableRawBufferPointer(free).copyMemory(from: source)
                count = source.count
            }
        }
    }
}
