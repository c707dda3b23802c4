/// How the agent, its proxy and its kernel plane are doing.
package struct StatusReport: Hashable, Sendable, Codable {
    package var agent = Agent()
    package var configuration = Configuration()
    package var proxy = Proxy()
    package var kernel = Kernel()
    package var counts = Counts()
    /// nil: there is no cluster that the agent should ask, or it does not say.
    package var kubernetes: Kubernetes?
    /// What is not as it should be and no part of the above, one sentence each; nil: an agent that does not say.
    package var complaints: [String]?
    /// Custom resources that were laid over the file, and what became of them; nil: it does not ask for them.
    package var resources: [Resource]?
    /// Who is told what happens here, and when certificates expire; nil: an agent that does not say.
    package var exports: [ExportReport]?
    package var certificates: [CertificateReport]?

    package init() {}

    package struct Resource: Hashable, Sendable, Codable {
        /// `Model/llama`
        package var name: String
        package var isAccepted: Bool
        /// One word, as the resource's condition has it; and what is wrong with it, empty where nothing is.
        package var reason: String
        package var message: String

        package init(name: String, isAccepted: Bool, reason: String, message: String) {
            self.name = name
            self.isAccepted = isAccepted
            self.reason = reason
            self.message = message
        }
    }

    package struct Agent: Hashable, Sendable, Codable {
        package var pid: Int32 = 0
        package var version = ""
        package var uptimeMilliseconds: UInt64 = 0

        package init() {}
    }

    package struct Configuration: Hashable, Sendable, Codable {
        /// The file as the agent was told it.
        package var path = ""
        /// Of the configuration in force in the agent and the kernel; 1 is the first.
        package var generation: UInt64 = 0
        /// The newest that the proxy said is in force in all its event loops; nil: none yet.
        package var proxyGeneration: UInt64?
        /// Why the proxy turned the newest one down; nil: it did not.
        package var proxyRejection: String?
        /// nil: nothing has been reloaded since the agent started.
        package var lastReload: ReloadReport?

        package init() {}
    }

    package struct Proxy: Hashable, Sendable, Codable {
        package enum State: String, Hashable, Sendable, Codable {
            /// Started, or expected, and not connected yet.
            case starting
            /// Connected to the agent.
            case running
            /// It died; the agent starts it again when its back-off is over.
            case backoff
            /// It was told to stop.
            case stopping
            case stopped
        }

        package var state = State.stopped
        package var pid: Int32?
        /// An agent before this one started it.
        package var adopted = false
        /// How often this agent had to start it again.
        package var restarts: UInt64 = 0
        /// How it ended the last time, in words: `signal 9`, `exit 1`; nil: it has not.
        package var lastExit: String?
        package var uptimeMilliseconds: UInt64?
        package var residentBytes: UInt64?
        package var descriptors: UInt64?
        package var openConnections: UInt64?
        /// Connections accepted since the proxy started.
        package var acceptedCaptured: UInt64?
        package var acceptedGateway: UInt64?
        /// Connections without an origin record, closed.
        package var withoutOrigin: UInt64?
        /// Connections relayed as they are since they do not speak HTTP/1.x.
        package var opaque: UInt64?
        /// Requests without a model, relayed to the address dialled.
        package var unnamed: UInt64?
        /// Requests refused before they had a model.
        package var refused: UInt64?
        /// Sockets that the kernel did not put under their model, so that nothing of its entry holds for them there.
        package var tagFailures: UInt64?
        /// Those that have been replaced and drain, the oldest first; nil: an agent that does not say.
        package var draining: [DrainingProxy]?
        /// nil: nobody has wanted it replaced since the agent started.
        package var lastReplacement: ReplacementReport?

        package init() {}
    }

    /// A proxy that has been replaced and ends what it has under way.
    package struct DrainingProxy: Hashable, Sendable, Codable {
        package var pid: Int32
        /// nil: it does not say.
        package var openConnections: UInt64?
        /// Until it ends at the latest.
        package var remainingMilliseconds: UInt64

        package init(pid: Int32, openConnections: UInt64? = nil, remainingMilliseconds: UInt64) {
            self.pid = pid
            self.openConnections = openConnections
            self.remainingMilliseconds = remainingMilliseconds
        }
    }

    package struct Kernel: Hashable, Sendable, Codable {
        /// Absolute paths of directories.
        package var captureCgroup = ""
        package var brokerCgroup = ""
        package var pinDirectory = ""
        /// The pinned maps and links of an agent before this one were taken over.
        package var adopted = false
        package var listeners: [Listener] = []
        /// By the names of `enum mb_counter` without its prefix, in lower case: `connects`, `no_target`, …
        package var counters: [String: UInt64] = [:]

        package init() {}
    }

    /// One slot of the kernel's `listeners` map.
    package struct Listener: Hashable, Sendable, Codable {
        /// `host4`, `host6`, `pod4` or `pod6`.
        package var name: String
        /// Where callers are sent; nil: not configured.
        package var address: String?
        /// The proxy listens there now.
        package var alive: Bool

        package init(name: String, address: String?, alive: Bool) {
            self.name = name
            self.address = address
            self.alive = alive
        }
    }

    /// The cluster's API server, as the agent gets on with it.
    package struct Kubernetes: Hashable, Sendable, Codable {
        package enum State: String, Hashable, Sendable, Codable {
            /// It has not been heard yet.
            case starting
            case synced
            /// It cannot be used; what was last known is in force.
            case away
        }

        package struct Resource: Hashable, Sendable, Codable {
            package var name: String
            package var state: State
            package var objects: Int
            package var reason: String?

            package init(name: String, state: State, objects: Int, reason: String? = nil) {
                self.name = name
                self.state = state
                self.objects = objects
                self.reason = reason
            }
        }

        package var server = ""
        package var node = ""
        package var state = State.starting
        /// RFC 3339 with milliseconds: how long it has been so.
        package var since = ""
        /// Why it is away.
        package var reason: String?
        package var resources: [Resource] = []

        package init() {}
    }

    /// How much the configuration in force holds.
    package struct Counts: Hashable, Sendable, Codable {
        package var rules = 0
        package var models = 0
        package var endpoints = 0
        package var clients = 0
        /// Cgroups that have an entry in the kernel's `workloads` map.
        package var workloads = 0

        package init() {}
    }
}

/// What came of reading the configuration anew.
package struct ReloadReport: Hashable, Sendable, Codable {
    /// RFC 3339 with milliseconds.
    package var time: String
    /// The file is in force; otherwise the configuration before it stays.
    package var accepted: Bool
    /// In force after the reload.
    package var generation: UInt64
    /// One line each: `line 12: capture[0].to[1]: …`.
    package var faults: [String]

    package init(time: String, accepted: Bool, generation: UInt64, faults: [String] = []) {
        self.time = time
        self.accepted = accepted
        self.generation = generation
        self.faults = faults
    }
}
