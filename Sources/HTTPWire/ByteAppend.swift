extension [UInt8] {
    /// As `append(contentsOf:)`, which costs several times as much for the few bytes that most pieces are.
    @inlinable package mutating func append(copying source: UnsafeRawBufferPointer) {
        append(addingCapacity: source.count) { output in
            output.withUnsafeMutableBufferPointer { free, count in
                UnsafeMutableRawBufferPointer(free).copyMemory(from: source)
                count = source.count
            }
        }
    }

    @inlinable package mutating func append(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        bytes.extracting(range).withUnsafeBytes { append(copying: $0) }
    }
}
