package import Catalog
package import Control

/// One of the connections of a flow.
package enum Leg: UInt8, Hashable, Sendable {
    case client, upstream
    /// The second endpoint that races the first one for the same request.
    case hedge
}

/// Bytes to write: a piece of what the flow was just given, of what it composed, or of what it holds of the request.
package struct Slice: Hashable, Sendable {
    package enum Source: UInt8, Hashable, Sendable { case received, composed, inbox }

    package var source: Source
    package var start: Int
    package var count: Int

    package init(_ source: Source, _ range: Range<Int>) {
        self.source = source
        start = range.lowerBound
        count = range.count
    }

    package var range: Range<Int> { start..<start + count }
}

/// Where a connection to an upstream may come from.
package enum ConnectPolicy: UInt8, Hashable, Sendable {
    /// A kept-alive one of the event loop's pool if there is one.
    case pooled
    /// A new one that may go to the pool afterwards.
    case fresh
    /// The flow's own: to the address dialled, never shared with another caller.
    case own
}

/// What the driver of a flow has to do, in order.
package enum FlowAction: Hashable, Sendable {
    case write(Leg, Slice)
    /// Open the upstream connection. `tls`: 0: none; else one more than the index of its terms in `FlowContext.tlsTerms`.
    case connect(SocketAddress, ConnectPolicy, tls: UInt16)
    /// Open a second one, from the pool or new; it is written to as the leg `.hedge`.
    case connectHedge(SocketAddress, tls: UInt16)
    /// The hedge has won: reset the upstream connection and put the hedge's in its place, whose bytes come from now on as
    /// the upstream's.
    case promoteHedge
    /// The hedge has lost, or failed: close its connection.
    case releaseHedge
    /// Send a copy of the request to another endpoint, over a connection of its own; nobody waits for the answer. The
    /// slices are valid for the call only. `route`: the one whose requests are mirrored, where a copy that fails is counted.
    case mirror(SocketAddress, tls: UInt16, route: Int, head: Slice, body: Slice)
    /// The flow needs its upstream connection no more; a reusable one goes to the pool.
    case releaseUpstream(reusable: Bool)
    /// The client has gone, and what the endpoint sends is still counted: FIN to it after what was written, and its bytes
    /// and its end are told as before, although the client's side is closed, until the flow releases it.
    case drainUpstream
    /// No more bytes will follow: FIN after what was written.
    case shutdownWrite(Leg)
    /// Close after what was written has gone out; the client's side is read until its end so that no reset
    /// overtakes the answer.
    case close(Leg)
    /// Reset after what was written has gone out, so that the peer can't take it for a proper end.
    case abort(Leg)
    /// Stop, or go on, reading from the client.
    case pauseClient
    case resumeClient
    /// Put the connection under the entry in the slot `model`; 0: under none. `active`: it is at work and shares the
    /// entry's bandwidth, or no longer; nil: the entry divides nothing.
    case tag(Leg, model: UInt32, active: Bool?)
    /// Have the token in the slice checked, which is valid for the call only, and hand the verdict to `tokenChecked`, or say
    /// by `tokenUnchecked` that it can't be had now.
    case checkToken(Slice)
    /// What this connection sends has this SO_PRIORITY until the flow's upstream connection is released: 1 comes behind all
    /// else, 6 before it.
    case prioritize(Leg, UInt8)
}

/// What one call to a flow brings forth; one object serves every flow of an event loop.
package struct FlowOutput: Sendable {
    package private(set) var actions: [FlowAction] = []
    /// Bytes that the flow made; slices with source `.composed` lie in it.
    package var composed: [UInt8] = []
    package var events: [ProxyEvent] = []
    /// Room for the body of an answer, used again.
    var scratch: [UInt8] = []

    package init() {}

    package mutating func clear() {
        actions.removeAll(keepingCapacity: true)
        if !composed.isEmpty { composed.removeAll(keepingCapacity: true) }
        if !events.isEmpty { events.removeAll() }
    }

    mutating func add(_ action: FlowAction) { actions.append(action) }

    /// Writes what `body` appends to the composed bytes.
    mutating func compose(to leg: Leg, _ body: (inout [UInt8]) -> Void) {
        let start = composed.count
        body(&composed)
        add(.write(leg, Slice(.composed, start..<composed.count)))
    }
}
