/// Finds the end of a head in bytes that arrive piece by piece, looking at each byte once.
package struct HeadScanner: Sendable {
    /// Largest head in bytes, its empty line included.
    package static let limit = 32 << 10

    private var scanned = 0

    package init() {}

    /// Looks on from where the last call stopped; `bytes` must begin with what that call saw.
    /// - Returns: the number of bytes of the head, its empty line included; nil: not complete yet.
    /// - Throws: `.bareLineFeed`, or `.tooLarge` once more than `limit` bytes hold no end.
    package mutating func end(in bytes: Span<UInt8>) throws(HeadFault) -> Int? {
        if let feed = bytes.firstOddLineFeed(from: scanned) {
            guard feed > 0, bytes[feed - 1] == 0x0D else { throw .bareLineFeed }
            guard feed < Self.limit else { throw .tooLarge }
            return feed + 1
        }
        scanned = bytes.count
        guard bytes.count < Self.limit else { throw .tooLarge }
        return nil
    }
}
