internal import Catalog

/// A question to a server that is asked again and again.
struct Errand: Hashable, Sendable {
    enum Purpose: Hashable, Sendable {
        /// Is it well?
        case health
        /// Which models has it?
        case discovery
        /// Something that the agent itself wants of a server that is no endpoint.
        case call
        /// Is a server ready that has been started, or still there?
        case readiness
        /// How busy is it?
        case metrics
    }

    var purpose: Purpose
    var url: String
    /// The one that is asked; nil: any of the server's, the next one after each failure.
    var address: SocketAddress?
}

/// How an errand is done.
struct InquiryPlan: Hashable, Sendable {
    /// Asked in turn, from one failure to the next. Not empty.
    var addresses: [SocketAddress]
    /// What is sent; empty: a connection is answer enough.
    var request: [UInt8]
    /// Nanoseconds between two questions, and for the answer.
    var period: UInt64
    var timeout: UInt64
    /// Bytes of the answer's body that are read at most; nil: the head is enough.
    var bodyLimit: Int?
    /// nil: without TLS.
    var tls: EndpointTLS?
}
