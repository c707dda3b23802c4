/// Cuts a stream of bytes into lines, none of them longer than a limit.
package struct LineAssembler {
    private var buffer: [UInt8] = []
    /// Up to here the buffer holds no newline.
    private var scanned = 0
    private let limit: Int

    /// - Parameter limit: longest line in bytes, the newline included.
    package init(limit: Int) { self.limit = limit }

    package var isEmpty: Bool { buffer.isEmpty }

    package mutating func append(_ bytes: some Sequence<UInt8>) { buffer.append(contentsOf: bytes) }

    /// The next whole line without its newline; nil: it has not come yet.
    package mutating func next() throws(ClientError) -> [UInt8]? {
        guard let newline = buffer[scanned...].firstIndex(of: UInt8(ascii: "\n")) else {
            guard buffer.count < limit else { throw .lineTooLong(limit: limit) }
            scanned = buffer.count
            return nil
        }
        guard newline < limit else { throw .lineTooLong(limit: limit) }
        let line = Array(buffer[..<newline])
        buffer.removeSubrange(...newline)
        scanned = 0
        return line
    }
}
