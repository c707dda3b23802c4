import Flow
import Reactor

/// A caller's connection with its flow, and the upstream connection that the flow uses at the moment.
final class Connection {
    /// How the client's side comes to its end.
    enum Ending: Equatable {
        case none
        /// Close once all has been written.
        case close
        /// FIN was sent; what still comes is read and thrown away, so that no reset overtakes the answer.
        case lingering
        /// Reset once all has been written and delivered.
        case abort
    }

    /// Unique in the life of the proxy.
    let number: UInt64
    let token: Token
    let client: Descriptor
    /// nil: plain TCP.
    let tls: SecureClient?
    let accepted: UInt64
    var flow: Flow
    var upstream: Upstream?
    /// A second one that races the first.
    var hedge: Upstream?
    var hedgeNews = Worker.HedgeNews.none
    var tag = SocketTag()
    /// The priority of the client's socket before it was put behind all others; nil: it was not.
    var priority: Int32?
    /// The client has gone, and the endpoint is read on to know what was used.
    var isDraining = false
    /// The client's socket is of no use any more; the rest goes when nothing is drained.
    var isClientGone = false
    var clientQueue = ByteQueue()
    /// The kernel has, or may have, bytes from the client.
    var clientReadable = true
    /// FIN or an error waits behind those bytes: a short read does not mean that nothing is left.
    var clientHungUp = false
    var clientEnded = false
    var clientPaused = false
    var finishClientWrites = false
    var ending = Ending.none
    /// Deadline of an ending; 0: none.
    var endingDeadline: UInt64 = 0
    /// The deadline under which the connection stands in the timer wheel; 0: it does not.
    var armed: UInt64 = 0
    /// It stands in the list of those to be looked at again.
    var isQueued = false
    var isGone = false

    init(_ number: UInt64, _ token: Token, client: consuming Descriptor, tls: SecureClient?, flow: Flow, now: UInt64) {
        self.number = number
        self.token = token
        self.client = client
        self.tls = tls
        self.flow = flow
        accepted = now
    }

    /// When to see whether everything written before a reset has been delivered; 0: not under way.
    var abortCheck: UInt64 = 0

    /// The upstream connection of a leg that has one.
    func side(_ leg: Leg) -> Upstream? { leg == .hedge ? hedge : upstream }

    /// The flow's, and that of the client's side as long as there is one.
    private var drainDeadline: UInt64 {
        guard ending != .none, !isClientGone else { return flow.deadline }
        return flow.deadline == 0 ? endingDeadline : min(flow.deadline, endingDeadline)
    }

    /// Whether bytes from an endpoint find somebody who wants them.
    var takesAnswer: Bool { ending == .none ? clientQueue.isEmpty : isDraining }

    /// The next point in time at which something has to be done; 0: none.
    var deadline: UInt64 {
        if isDraining { return drainDeadline }
        if ending == .abort, abortCheck != 0 { return min(abortCheck, endingDeadline) }
        if ending != .none { return endingDeadline }
        if let tls, tls.state == .shaking { return tls.deadline }
        return flow.deadline
    }
}
