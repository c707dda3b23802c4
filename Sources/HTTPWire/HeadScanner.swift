/// Finds the end of a head in bytes that arrive piece by piece, looking at each byte once.
package struct HeadScanner: Sendable {
    /// Largest head in bytes, its empty line included.
    package static let limit = 32 << 10

    private var scanned = 0
    private var lineStart = 0

    package init() {}

    /// Looks on from where the last call stopped; `bytes` must begin with what that call saw.
    /// - Returns: the number of bytes of the head, its empty line included; nil: not complete yet.
    /// - Throws: `.bareLineFeed`, or `.tooLarge` once more than `limit` bytes hold no end.
    package mutating func end(in bytes: Span<UInt8>) throws(HeadFault) -> Int? {
        let count = bytes.count
        while let feed = bytes.firstLineFeed(from: scanned) {
            guard feed > lineStart, bytes[feed - 1] == 0x0D else { throw .bareLineFeed }
            scanned = feed + 1
            if feed - 1 == lineStart {
                guard scanned <= Self.limit else { throw .tooLarge }
                return scanned
            }
            lineStart = scanned
        }
        scanned = count
        guard count < Self.limit else { throw .tooLarge }
        return nil
    }
}

extension Span where Element == UInt8 {
    /// Index of the first LF at or after `start`.
    func firstLineFeed(from start: Int) -> Int? {
        var index = start
        let wide = count - 16
        let feeds = SIMD16<UInt8>(repeating: 0x0A)
        while index <= wide {
            let block = bytes.unsafeLoadUnaligned(fromByteOffset: index, as: SIMD16<UInt8>.self)
            if any(block .== feeds) { break }
            index += 16
        }
        while index < count {
            if self[index] == 0x0A { return index }
            index += 1
        }
        return nil
    }
}
