extension [UInt8] {
    /// As `append(contentsOf:)`, which costs several times as much for a few bytes.
    mutating func append(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        bytes.extracting(range).withUnsafeBytes { source in
            append(addingCapacity: source.count) { output in
                output.withUnsafeMutableBufferPointer { free, count in
                    UnsafeMutableRawBufferPointer(free).copyMemory(from: source)
                    count = source.count
                }
            }
        }
    }
}
