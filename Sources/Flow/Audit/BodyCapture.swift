import HTTPWire

/// The beginning of a body, without its framing.
struct BodyCapture: Sendable {
    private let limit: Int
    private let isChunked: Bool
    private var chunks = ChunkScanner()
    private(set) var bytes: [UInt8] = []
    /// There was more.
    private(set) var isCut = false

    init(_ framing: Framing, limit: Int) {
        self.limit = limit
        isChunked = framing == .chunked
    }

    /// Goes on with bytes that were found to be well framed.
    mutating func take(_ piece: Span<UInt8>, _ range: Range<Int>) {
        guard !isCut else { return }
        guard isChunked else { return keep(piece, range) }
        var position = range.lowerBound
        let rest = piece.extracting(0..<range.upperBound)
        while position < range.upperBound, !isCut {
            guard let step = try? chunks.step(rest, from: position) else { return isCut = true }
            switch step {
            case .data(let count):
                keep(rest, position..<position + count)
                position += count
            case .framing(let count): position += count
            case .end: return
            }
        }
    }

    private mutating func keep(_ piece: Span<UInt8>, _ range: Range<Int>) {
        let count = min(range.count, limit - bytes.count)
        if count < range.count { isCut = true }
        if count > 0 { bytes.append(piece, range.lowerBound..<range.lowerBound + count) }
    }
}
