import HTTPWire
import Routing

/// How the request under way finds an endpoint: its route, what has been tried, and what is under way now.
struct Exchange: Sendable {
    /// The second endpoint that races the one in use.
    struct Hedge: Sendable {
        var target: Target
        var tls: UInt16
        var attempt: Attempt
        var isConnected = false
        var isReused = false
        /// What came before the status was whole.
        var head: [UInt8] = []
    }

    /// Counts the catalogue by whose numbers the route, the model and the targets go.
    var version = 0
    /// What the choice of an endpoint depends on, and what is left out of it.
    var ask = RouteAsk(route: -1)
    /// The model that governs: its number in the catalogue; -1: none has been charged.
    var model = -1
    /// The session whose limits the client has set; 0: there is none.
    var session: UInt64 = 0
    /// Where the request goes, and what is counted there until it ends.
    var target: Target?
    var attempt: Attempt?
    /// The number of the target's TLS terms.
    var tls: UInt16 = 0
    /// How often the request was sent, and how often it waited before that.
    var sent = 0
    var rests = 0
    /// The endpoint calls the model by another name than the caller.
    var renames = false
    /// What becomes of the rest of the request's body.
    var edit = Rare<RequestEdit>()
    /// Bytes that were read of the answer since the client went away.
    var drained: UInt64 = 0
    /// What the request uses of the model is to be known.
    var countsTokens = false
    /// The endpoint was asked, on nobody's behalf but the broker's, to say at the end of its stream what that used.
    var asksUsage = false
    /// Nanoseconds for which the endpoint that answered wants to be left alone; nil: it does not say.
    var retryAfter: UInt64?
    /// A copy was sent, or is not to be.
    var isMirrored = false
    var hedge = Rare<Hedge>()
    /// When the answer must go on; its first byte must have come; a second endpoint gets the request. 0: never.
    var answerBy: UInt64 = 0
    var firstByteBy: UInt64 = 0
    var hedgeAt: UInt64 = 0
    /// When the first byte of the answer's body came; 0: it has not.
    var firstByteAt: UInt64 = 0

    /// When it was known what the request asks for: its place in line, however often it waits.
    var arrival: UInt64 = 0
    /// The group that it counts for, and how urgent it is.
    var group = 0
    var level: Int32 = 0
    /// A slot that was taken for the endpoint chosen, until the attempt there begins.
    var held: (endpoint: EndpointNumber, slot: HeldSlot)?
    /// The number, over reloads, of the model that it has, or had, a slot of; -1: none.
    var slotModel: Int32 = -1
    /// Tokens that it was charged when it got a slot after waiting; 0: it did not wait.
    var charged: UInt64 = 0
    /// What it waits for.
    var wait = Rare<Wait>()
    /// The client has the head of a stream, which the broker made.
    var isBegun = false

    var hasRoute: Bool { ask.route >= 0 }

    /// The next point in time at which waiting for an answer's first byte is looked at again.
    var waitingDeadline: UInt64 {
        var deadline = answerBy
        if firstByteBy != 0 { deadline = min(deadline, firstByteBy) }
        if hedgeAt != 0 { deadline = min(deadline, hedgeAt) }
        return deadline
    }

    /// Begins with a new request.
    mutating func begin(_ route: Int, _ family: APIFamily, isStream: Bool, version: Int) {
        ask.begin(route, family, isStream: isStream)
        self.version = version
        (model, session) = (-1, 0)
        target = nil
        (sent, rests) = (0, 0)
        (renames, asksUsage, isMirrored) = (false, false, false)
        edit.remove()
        retryAfter = nil
        (slotModel, charged, isBegun) = (-1, 0, false)
        if !wait.isEmpty { wait.remove() }
        (answerBy, firstByteBy, hedgeAt, firstByteAt) = (0, 0, 0, 0)
    }
}
