import Admission
import Catalog
import Control
import HTTPWire

/// What is kept of the request under way to be said of it, and counted, when it has come to its end.
struct RequestRecord: Sendable {
    /// There is a request that has not come to its end.
    var isOpen = false
    /// A line is to be written of it.
    var isAudited = false
    /// What a line or a span has of it is taken down.
    var isNoted = false
    /// The trace that it belongs to, where traces are wanted.
    var trace = RequestTrace()
    /// What spans are made of, where it is sampled.
    var span = Rare<SpanNotes>()
    /// Its token is being checked.
    var isProving = false
    /// It is answered by what the address dialled says.
    var isRelayed = false
    var end = AuditLine.End.cancelled
    /// Of the answer, or the refusal; 0: there was none.
    var status: UInt16 = 0
    var attempts: UInt16 = 0
    /// Tokens that it used, where they are counted, and what these cost.
    var use: TokenUse?
    var cost: UInt64 = 0
    /// Row of its client in the ledger; -1: it is nobody's.
    var clientRow: Int32 = -1
    /// The id of the key that proved who sent it, or that no longer does.
    var key = ""
    /// Of a refusal: the name of the rule, or the code.
    var rule = ""
    /// What the connection had sent to the client before it.
    var bytesOut: UInt64 = 0
    /// Milliseconds since 1970.
    var time: Int64 = 0
    /// Where it went; empty and nil: nowhere.
    var endpoint = ""
    var dialled: SocketAddress?
    var routed = ""
    /// Members of the audit line, composed as they were read.
    var asked: [UInt8] = []
    /// The beginnings of both bodies, where they are kept.
    var bodies = Rare<Bodies>()

    mutating func add(_ used: TokenUse, cost: UInt64) {
        guard isNoted else { return }
        use = TokenUse(input: (use?.input ?? 0) &+ used.input, output: (use?.output ?? 0) &+ used.output)
        self.cost &+= cost
    }

    struct Bodies: Sendable {
        var prompt: BodyCapture
        var answer: BodyCapture?
    }

    /// Begins with a new request.
    mutating func begin(audited: Bool, bytesOut: UInt64, time: Int64) {
        isOpen = true
        isAudited = audited
        isNoted = false
        trace.isOn = false
        trace.isSampled = false
        isRelayed = false
        end = .cancelled
        clientRow = -1
        (status, attempts) = (0, 0)
        guard audited else { return }
        beginNotes(bytesOut: bytesOut, time: time)
    }

    /// Begins to take down what a line or a span has.
    mutating func beginNotes(bytesOut: UInt64, time: Int64) {
        guard !isNoted else { return }
        isNoted = true
        self.bytesOut = bytesOut
        self.time = time
        (use, cost) = (nil, 0)
        (key, rule, endpoint, routed) = ("", "", "", "")
        dialled = nil
        asked.removeAll(keepingCapacity: true)
        bodies.remove()
    }
}
