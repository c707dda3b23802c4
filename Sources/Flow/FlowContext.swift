package import Admission
package import Catalog
package import Identity
package import Routing

/// What all flows of one event loop share; the loop owns it, so nothing in it is locked.
package struct FlowContext: Sendable {
    /// Nanoseconds on the monotonic clock, set by the driver before each call.
    package var now: UInt64 = 0
    package var ledger = Ledger()
    package private(set) var routes = RoutingTable()
    /// Counts the catalogues taken up: numbers of models and targets hold within one version.
    package private(set) var routesVersion = 0
    package private(set) var timeouts = Timeouts()
    package private(set) var maxBody = 32 << 20
    /// The limits of the catalogue's models, and who may call them.
    package var admission = AdmissionTable()
    package private(set) var access = AccessTable()
    var turns = RoundRobin(modelCount: 0)
    var buffers = BufferPool()
    /// Which refusals are reported.
    package var refusals = RefusalReports()
    private var requestIDs: RequestIDs
    /// Seconds since 1970 at which the catalogue was taken up: `created` in the models list.
    package var epochSeconds = 0

    /// - Parameter seed: makes the request ids of this loop differ from those of any other.
    package init(seed: UInt64) {
        requestIDs = RequestIDs(seed: seed)
    }

    /// Takes up a catalogue; its models have the same numbers in all that is given.
    package mutating func adopt(
        _ routes: RoutingTable, _ node: Node, admission: AdmissionTable = AdmissionTable(), access: AccessTable = AccessTable()
    ) {
        self.routes = routes
        self.admission = admission
        self.access = access
        routesVersion += 1
        timeouts = node.timeouts
        maxBody = node.maxBody
        turns = RoundRobin(modelCount: routes.modelCount)
        ledger.adopt(routes)
    }

    func deadline(afterMilliseconds milliseconds: Int) -> UInt64 {
        now + UInt64(milliseconds) * 1_000_000
    }

    /// Whose turn it is among the targets of `model`.
    mutating func turn(_ model: Int) -> Int { turns.take(model, of: routes.targetCount(model)) }

    mutating func nextRequestID() -> UInt64 { requestIDs.next() }
}
