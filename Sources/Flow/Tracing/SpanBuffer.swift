import Telemetry

/// Spans of one event loop that nobody has taken yet; what does not fit is dropped, and counted.
package struct SpanBuffer: Sendable {
    /// In bytes.
    package static let limit = 1 << 20

    /// Each span as field 2 of an OTLP scope, one after the other. Who takes them leaves an empty array.
    package var bytes: [UInt8] = []
    /// How many those are.
    package var count: UInt32 = 0
    /// Since the start.
    package private(set) var made: UInt64 = 0
    package private(set) var dropped: UInt64 = 0
    /// Where each is written first.
    private var writer = ProtobufWriter()

    package init() {}

    mutating func add(_ write: (inout ProtobufWriter) -> Void) {
        writer.removeAll()
        write(&writer)
        guard bytes.count + writer.bytes.count <= Self.limit else { return dropped += 1 }
        bytes.append(contentsOf: writer.bytes)
        count += 1
        made += 1
    }
}
