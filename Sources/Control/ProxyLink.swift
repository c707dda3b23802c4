package import Catalog
package import Telemetry

/// What the agent tells the proxy. The first message, `welcome`, carries descriptors of the kernel plane's maps beside it
/// (SCM_RIGHTS), in the order `listeners`, `models` (read-only), `buckets`, and behind them that of the shared accounts;
/// those that are missing at the end are not there: without `models` and `buckets` no model has an entry, without the
/// accounts no limit of a client holds.
package enum AgentMessage: Hashable, Sendable {
    case welcome(ProxySettings)
    case configure(ProxySettings)
    /// Asks for a report; the answer carries the same number.
    case query(id: UInt32, ProxyQuery)
    /// What is known of the endpoints; those that are missing are well. Replaces what was said before.
    case standings([EndpointStanding])
    /// Somebody wants to see each decision (`events --level debug`), or no longer.
    case watchDecisions(Bool)
    /// Where audit lines go from now on: the descriptor beside the message; false: there is none, and no lines are made.
    case auditSink(Bool)
    /// Close the listeners, let streams end until the deadline, exit.
    case stop(deadlineMilliseconds: UInt32)
    /// Send all listening sockets, and go on as before.
    case handOver
    /// Sockets of a proxy that this one replaces, beside the message; before `welcome`, in whose configuration they are
    /// used in the place of new ones.
    case listener(HandedListener)
    /// Another proxy accepts on the listeners now: let go of them, let everything under way end until the deadline, exit.
    case retire(deadlineMilliseconds: UInt32)
    /// What a proxy has counted that is no more: to be added to what this one counts.
    case carry(ProxyTotals)
    /// Which cgroups are pods', for the lines of the audit. Replaces what was said before.
    case pods([CgroupPod])
}

/// The pod that a cgroup belongs to.
package struct CgroupPod: Hashable, Sendable {
    package var cgroup: UInt64
    package var pod: PodName

    package init(cgroup: UInt64, pod: PodName) {
        self.cgroup = cgroup
        self.pod = pod
    }
}

/// A pod as people and lines name it.
package struct PodName: Hashable, Sendable {
    /// `namespace/name`.
    package var name: String
    /// Whose service account's name it has; empty: it is not known.
    package var serviceAccount: String

    package init(name: String, serviceAccount: String) {
        self.name = name
        self.serviceAccount = serviceAccount
    }
}

/// What the proxy tells the agent. The first message is `hello`.
package enum ProxyMessage: Hashable, Sendable {
    case hello(ProxyHello)
    /// The configuration of this generation is in force in every event loop.
    case applied(generation: UInt64)
    /// It could not be applied (an address in use, say); the one before it stays.
    case rejected(generation: UInt64, reason: String)
    case report(id: UInt32, ProxyReport)
    case event(ProxyEvent)
    /// Requests wait for these endpoints, whose servers do not run. Said at the first one, and again each second as long as
    /// that is so.
    case wanted([EndpointKey])
    /// Listening sockets, beside the message: part of the answer to `handOver`.
    case listener(HandedListener)
    /// The end of that answer: how many sockets it had.
    case handedOver(sockets: UInt32)
    /// Spans of requests that have come to their end, as the fields of an OTLP scope that they are sent in, one after the
    /// other; and how many.
    case spans([UInt8], count: UInt32)
}

/// Listening sockets of one address that are passed on beside a message.
package struct HandedListener: Hashable, Sendable {
    package enum Purpose: UInt8, Hashable, Sendable, CaseIterable { case capture = 1, gateway = 2, secureGateway = 3 }

    /// Sockets that one message can carry; an address may take several.
    package static let maximumCount = 64

    package var address: SocketAddress
    package var purpose: Purpose
    /// Descriptors beside the message: 1 to `maximumCount`.
    package var count: UInt8

    package init(address: SocketAddress, purpose: Purpose, count: UInt8) {
        self.address = address
        self.purpose = purpose
        self.count = count
    }
}

package struct ProxyHello: Hashable, Sendable {
    package var pid: Int32
    package var version: String
    /// `MB_ABI_VERSION` that the proxy was built with.
    package var abi: UInt32
    /// Generation of the configuration in force; 0: none yet.
    package var generation: UInt64
    /// Milliseconds until it ends at the latest; nil: it has not been told to retire.
    package var retiring: UInt32?

    package init(pid: Int32, version: String, abi: UInt32, generation: UInt64, retiring: UInt32? = nil) {
        self.pid = pid
        self.version = version
        self.abi = abi
        self.generation = generation
        self.retiring = retiring
    }
}

/// A configuration as the proxy needs it.
package struct ProxySettings: Hashable, Sendable {
    package var generation: UInt64
    package var catalog: Catalog
    /// The cookie of the host's network namespace, to tell callers of other ones.
    package var hostNetnsCookie: UInt64
    /// The slot in the maps `models` and `buckets` of each model of the catalogue, in its order; 0: it has none. Empty: no
    /// model has one.
    package var slots: [UInt32]
    package var credentials: Credentials
    /// The slot of each of `catalog.accounts` in the shared page, in its order; empty: none has one, and nothing that is
    /// counted there is limited.
    package var accountSlots: [UInt32]
    /// Which requests spans are made of; nil: of none, and no trace is looked for.
    package var tracing: Tracing?

    package init(
        generation: UInt64, catalog: Catalog, hostNetnsCookie: UInt64, slots: [UInt32] = [],
        credentials: Credentials = Credentials(), accountSlots: [UInt32] = [], tracing: Tracing? = nil
    ) {
        self.generation = generation
        self.catalog = catalog
        self.hostNetnsCookie = hostNetnsCookie
        self.slots = slots
        self.credentials = credentials
        self.accountSlots = accountSlots
        self.tracing = tracing
    }
}

package enum ProxyQuery: Hashable, Sendable {
    case statistics
    case flows
    /// Endpoints and routes.
    case routing
    /// Answered by one event loop.
    case explain(ExplainQuery)
    /// Move the pool, or model, of this name away from the endpoint that it prefers now.
    case rotate(String)
    /// What waits for which model, by group.
    case queues
}

package enum ProxyReport: Hashable, Sendable {
    /// The number of the reports that a retired proxy sends unasked, as its last words: `statistics` and `routing`.
    package static let lastWords: UInt32 = 0

    case statistics(ProxyStatistics)
    case flows([FlowRecord])
    case routing([EndpointRecord], [RouteRecord])
    case explanation(RouteDecision)
    /// The endpoint left, the endpoint preferred now; nil: there is none, or the name is unknown.
    case rotated(from: EndpointKey?, to: EndpointKey?)
    case queues([QueueRecord])
}

/// The proxy's own numbers, summed over its event loops.
package struct ProxyStatistics: Hashable, Sendable {
    /// A model that requests named: of the catalogue, or seen on the way to an address dialled.
    package struct ModelEntry: Hashable, Sendable {
        package var name: String
        package var inCatalog: Bool
        package var counters: ModelCounters

        package init(name: String, inCatalog: Bool, counters: ModelCounters) {
            self.name = name
            self.inCatalog = inCatalog
            self.counters = counters
        }
    }

    /// A client of the configuration.
    package struct ClientEntry: Hashable, Sendable {
        package var name: String
        package var counters: ClientCounters

        package init(name: String, counters: ClientCounters) {
            self.name = name
            self.counters = counters
        }
    }

    package var models: [ModelEntry] = []
    package var clients: [ClientEntry] = []
    /// Captured connections accepted, gateway connections accepted, open now.
    package var acceptedCaptured: UInt64 = 0
    package var acceptedGateway: UInt64 = 0
    package var openConnections: UInt64 = 0
    /// Connections to a capture listener that had no origin record; they were closed.
    package var withoutOrigin: UInt64 = 0
    /// Connections relayed as they are because they do not speak HTTP/1.x.
    package var opaque: UInt64 = 0
    /// Requests without a model that went on to the address dialled.
    package var unnamed: UInt64 = 0
    /// Requests refused before they had a model: malformed, too large, too slow, unknown path.
    package var refused: UInt64 = 0
    package var upstreamConnects: UInt64 = 0
    package var upstreamReuses: UInt64 = 0
    package var upstreamConnectFailures: UInt64 = 0
    /// Requests sent again because a kept-alive upstream connection turned out to be closed.
    package var staleRetries: UInt64 = 0
    /// accept(2) failures for want of descriptors or memory.
    package var acceptFailures: UInt64 = 0
    /// Connections that the kernel did not put under their model's entry.
    package var tagFailures: UInt64 = 0
    /// Requests answered 401, and those whose workload and credentials belong to different clients.
    package var unauthenticated: UInt64 = 0
    package var identityConflicts: UInt64 = 0
    /// Tokens whose signatures were checked; the others were known already.
    package var tokensChecked: UInt64 = 0
    /// Audit lines written, and those that were dropped because nobody took them fast enough.
    package var auditLines: UInt64 = 0
    package var auditDropped: UInt64 = 0
    package var tlsHandshakes: UInt64 = 0
    package var tlsHandshakeFailures: UInt64 = 0
    /// Resident memory in bytes, open descriptors.
    package var residentBytes: UInt64 = 0
    package var descriptors: UInt64 = 0
    package var uptimeMilliseconds: UInt64 = 0
    /// Processor time that the process has used, of its own and of the kernel on its behalf.
    package var processorMicroseconds: UInt64 = 0
    /// Spans made, and those that were dropped since nobody took them fast enough.
    package var spans: UInt64 = 0
    package var spansDropped: UInt64 = 0

    package init() {}
}

/// One connection of a caller, as `flow list` shows it.
package struct FlowRecord: Hashable, Sendable {
    package enum Entrance: UInt8, Hashable, Sendable { case capture = 1, gateway = 2 }
    package enum State: UInt8, Hashable, Sendable, CaseIterable {
        case new = 1, idle = 2, head = 3, body = 4, connecting = 5, waiting = 6, streaming = 7, opaque = 8, closing = 9,
            queued = 10
    }

    package var id: UInt64
    package var entrance: Entrance
    package var state: State
    /// The caller as the kernel attested it; zero and empty for the gateway.
    package var pid: UInt32
    package var uid: UInt32
    package var command: String
    package var cgroup: UInt64
    package var netnsCookie: UInt64
    /// Address of the caller's end, and the address that it dialled (for the gateway: the listener's).
    package var caller: SocketAddress
    package var dialled: SocketAddress
    /// Position in the configuration's rules, 0 for the gateway, and the client's name, empty if none.
    package var rule: UInt32
    package var client: String
    /// What the request under way, or the last one, named; empty: none.
    package var model: String
    /// Where it goes: address; nil: nowhere yet.
    package var endpoint: SocketAddress?
    package var requests: UInt64
    package var bytesIn: UInt64
    package var bytesOut: UInt64
    package var ageMilliseconds: UInt64

    package init(
        id: UInt64, entrance: Entrance, state: State, pid: UInt32 = 0, uid: UInt32 = 0, command: String = "",
        cgroup: UInt64 = 0, netnsCookie: UInt64 = 0, caller: SocketAddress, dialled: SocketAddress, rule: UInt32 = 0,
        client: String = "", model: String = "", endpoint: SocketAddress? = nil, requests: UInt64 = 0,
        bytesIn: UInt64 = 0, bytesOut: UInt64 = 0, ageMilliseconds: UInt64 = 0
    ) {
        self.id = id
        self.entrance = entrance
        self.state = state
        self.pid = pid
        self.uid = uid
        self.command = command
        self.cgroup = cgroup
        self.netnsCookie = netnsCookie
        self.caller = caller
        self.dialled = dialled
        self.rule = rule
        self.client = client
        self.model = model
        self.endpoint = endpoint
        self.requests = requests
        self.bytesIn = bytesIn
        self.bytesOut = bytesOut
        self.ageMilliseconds = ageMilliseconds
    }
}

/// Something that an operator may want to see as it happens.
package struct ProxyEvent: Hashable, Sendable {
    package enum Kind: UInt8, Hashable, Sendable, CaseIterable {
        /// A model name seen for the first time that the catalogue does not have.
        case unknownModel = 1
        /// A captured connection that is not HTTP/1.x; `detail`: what it looks like (`tls sni=…`, `http2`, …).
        case opaque = 2
        /// A connection to a capture listener without an origin record.
        case withoutOrigin = 3
        /// An endpoint that refused a connection, timed out, or answered nonsense.
        case endpointFailed = 4
        /// A request refused; `reason`: the error's code, or the limit; `detail`: status and message.
        case refused = 5
        /// An answer that broke in the middle.
        case broken = 6
        /// An endpoint gets no requests for now, or gets them again; `detail`: why.
        case endpointStandby = 7
        case endpointActive = 8
        /// Where a request went and why; only while somebody watches.
        case decision = 9
        /// Nothing of a pool or model is usable but its `fallback`, or nothing at all.
        case poolExhausted = 10
        /// A caller could not prove who it is; `reason`: the error's code.
        case authenticationFailed = 11
        /// A captured caller whose workload belongs to one client and whose credentials to another.
        case identityConflict = 12
    }

    package var kind: Kind
    package var model: String
    package var client: String
    package var pid: UInt32
    package var cgroup: UInt64
    package var address: SocketAddress?
    /// Why, in one word; empty: there is nothing to tell apart.
    package var reason: String
    package var detail: String
    /// How many alike happened since the last one and are not told of by themselves.
    package var leftOut: UInt64

    package init(
        kind: Kind, model: String = "", client: String = "", pid: UInt32 = 0, cgroup: UInt64 = 0,
        address: SocketAddress? = nil, reason: String = "", detail: String = "", leftOut: UInt64 = 0
    ) {
        self.kind = kind
        self.model = model
        self.client = client
        self.pid = pid
        self.cgroup = cgroup
        self.address = address
        self.reason = reason
        self.detail = detail
        self.leftOut = leftOut
    }
}
