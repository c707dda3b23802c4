/// What the direct flows of one model and client did, summed over CPUs.
package struct MeterReading: Hashable, Sendable {
    /// The model's slot.
    package var model: UInt32
    /// 0: none; else 1 + position in the configuration.
    package var client: UInt32
    /// Established.
    package var connections: UInt64 = 0
    package var requests: UInt64 = 0
    /// Final ones: of 1xx only 101.
    package var responses: UInt64 = 0
    /// Answers without a status, then 1xx to 5xx.
    package var statuses: [UInt64] = []
    /// TCP payload towards the endpoint and from it, every byte once however often it was sent.
    package var bytesSent: UInt64 = 0
    package var bytesReceived: UInt64 = 0
    /// From a request's first byte to its answer's: the sum, of so many answers, and the longest.
    package var firstByteNanoseconds: UInt64 = 0
    package var firstBytes: UInt64 = 0
    package var firstByteMaximum: UInt64 = 0
    /// Connections of which a part could not be read as HTTP/1; of that part, only the bytes are counted.
    package var unfollowed: UInt64 = 0

    package init(model: UInt32, client: UInt32) {
        self.model = model
        self.client = client
    }
}
