/// Large buffers between two uses. Memory that is mapped, faulted in and given back for every large request costs more
/// than all the copying of that request, so an event loop keeps a few.
struct BufferPool: Sendable {
    /// Buffers kept, and the largest one that is worth it.
    private static let limit = 16
    private static let largest = 2 << 20

    private var spare: [[UInt8]] = []

    /// An empty buffer, the one given back last if there is any.
    mutating func take() -> [UInt8] { spare.popLast() ?? [] }

    /// Takes `buffer` back, emptied; the caller's becomes a new one without memory.
    mutating func give(_ buffer: inout [UInt8]) {
        buffer.removeAll(keepingCapacity: true)
        if spare.count < Self.limit, buffer.capacity <= Self.largest { spare.append(buffer) }
        buffer = []
    }
}
