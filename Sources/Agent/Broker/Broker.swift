internal import Catalog
internal import Configuration
internal import Control
internal import KernelPlane
internal import Kubernetes
internal import Logging
internal import ServiceLifecycle
internal import Telemetry

/// Keeps the kernel plane and the proxy in step with the configuration. Everything that changes something goes through
/// one queue, so that two changes never meet.
actor Broker: Service {
    /// What it works with; all of it can be used from anywhere.
    struct Surroundings: Sendable {
        var groundwork: Groundwork
        var supervisor: ProxySupervisor
        var admin: AdminServer
        var resolver: NameResolver
        var names: NodeNames
        var hub: EventHub
        var failures: EndpointFailures
        var endpoints: EndpointWatch
        var prober: EndpointProber
        var standings: Standings
        var inquiries: EndpointInquiries
        var engines: EngineKeeper
        var discoveries: Discoveries
        var feed: ProxyFeed
        var accounts: AccountKeeper
        var credentials: CredentialKeeper
        var keys: KeyStore
        var audit: AuditKeeper
        var exports: ExportKeeper
        var cluster: ClusterWatch
        var state: StateFile
        var resources: ResourceWatch
        var backings: BackingWatch
        var statuses: StatusWriter
        var logger: Logger
    }

    enum Change: Sendable {
        /// A proxy wants its first configuration.
        case welcome(ProxyConnection, ProxySupervisor.Welcome)
        /// The file may have changed. `asked`: somebody waits for the outcome under this number, and the file is read even
        /// if its bytes are the same, since what it refers to may have changed.
        case reload(asked: UInt64?)
        case cgroups(CgroupTree)
        /// The cluster's pods on this node.
        case pods(PodTable)
        /// Names may be due to be looked up again.
        case names
        /// What came of looking names up.
        case resolved([String: ResolvedNames.Answer])
        /// Endpoints have models that they had not, or have them no more.
        case discovered
        /// Credentials are others than before. `asked`: somebody waits until they are in force.
        case credentials(asked: UInt64?)
        /// The cluster's custom resources are others than before.
        case resources([Resource])
        /// Services and pools of the cluster are elsewhere than before.
        case backings(Backings)
        /// Something may have been left undone.
        case retry
        /// An entry may have been changed by hand.
        case entries
    }

    /// How long the proxy may take to put a configuration into force.
    static let applyLimit = Duration.seconds(5)
    static let resolveLimit = Duration.seconds(3)

    let surroundings: Surroundings
    let started = ContinuousClock.now
    let inspector: PlaneInspector
    let links: PinnedLinks
    let certificates = CertificateWatch()
    /// As the file says it; endpoints by name have no addresses here.
    var catalog: Catalog
    var resolved = ResolvedNames()
    var backings = Backings()
    /// Custom resources as they are known, and what became of them.
    var resources: [Resource] = []
    var verdicts: [ResourceKey: ResourceVerdict] = [:]
    /// The API server has said which there are, since the agent started.
    var areResourcesHeard = false
    /// What the resources ask for is not in force.
    var isOverlayBehind = false
    var nameSchedule = NameSchedule()
    /// Models that were discovered are not in force as they should be.
    var isDiscoveryBehind = false
    /// Credentials have changed, and the proxy does not have them all.
    var areCredentialsBehind = false
    /// When hours of access begin or end next, and when that was looked at, in seconds since 1970.
    var nextAccessChange: Int64 = 0
    var accessLooked: Int64 = 0
    /// Audit lines that the proxy has dropped, when it was asked last.
    var auditDropped: UInt64 = 0
    /// When the resources are told next what use is made of them, on the monotonic clock.
    var nextObservation: UInt64 = 0
    /// In force; and the last number given out, which may have been refused.
    var generation: UInt64
    var issued: UInt64
    /// Of the last reading, accepted or not.
    var lastRead: [UInt8]
    /// Of the configuration in force.
    var lastGood: [UInt8]
    var lastReload: ReloadReport?
    var workloads: [UInt64: WorkloadEntry]
    /// What the kernel plane has of the models.
    var governed: Governed
    /// What was last said of models that are not governed.
    var lastComplaint: String?
    /// What was last said of endpoints that the kernel has not got; nil: it has them all.
    var endpointsComplaint: String?
    var tree: CgroupTree?
    /// As last known, perhaps to an agent before this one.
    var pods: PodTable
    var connection: ProxyConnection?
    var proxyGeneration: UInt64?
    var rejection: String?
    var detached = false
    /// Names whose last look-up failed.
    var failingNames: Set<String> = []
    /// Addresses on `lo` that the broker added.
    var podAddresses: [IPAddress]
    var qdisc: QdiscKeeper
    /// `QoSTable.changes` when the tree was brought up to date.
    var qdiscSeen: UInt64 = 0
    /// What was last said of the tree, and whose classes it could not give what they ask for.
    var qdiscComplaint: String?
    var qdiscShort: [String] = []
    /// Model names that have a series of their own among the metrics.
    var labels = LabelLimit(limit: 1000)
    var clientLabels = LabelLimit(limit: 1000)

    private let changes: AsyncStream<Change>
    private let feed: AsyncStream<Change>.Continuation
    let reloads = ReplyTable<UInt64, ReloadReport>()
    private var nextReload: UInt64 = 1
    /// Answered with why new credentials are not in force; empty: they are.
    let renewals = ReplyTable<UInt64, String>()
    private var nextRenewal: UInt64 = 1

    var groundwork: Groundwork { surroundings.groundwork }
    var logger: Logger { surroundings.logger }

    init(_ surroundings: Surroundings) {
        self.surroundings = surroundings
        let groundwork = surroundings.groundwork
        inspector = groundwork.plane.inspector()
        links = PinnedLinks(pinDirectory: groundwork.options.pinDirectory)
        catalog = groundwork.catalog
        generation = groundwork.generation
        issued = groundwork.generation
        lastRead = groundwork.configuration
        lastGood = groundwork.configuration
        resources = groundwork.resources
        verdicts = groundwork.verdicts
        backings = groundwork.backings
        workloads = groundwork.workloads
        governed = groundwork.governed
        resolved = groundwork.resolved
        podAddresses = groundwork.podAddresses
        pods = groundwork.pods
        qdisc = groundwork.qdisc
        (changes, feed) = AsyncStream.makeStream(of: Change.self)
    }

    /// Queues a change.
    nonisolated func submit(_ change: Change) { feed.yield(change) }

    /// Reads the configuration and waits for what comes of it.
    func reload() async -> ReloadReport {
        let id = nextReload
        nextReload += 1
        return await reloads.wait(for: id, atMost: .seconds(30)) { submit(.reload(asked: id)) }
            ?? ReloadReport(
                time: Timestamp.now(), accepted: false, generation: generation, faults: ["the agent is busy or about to end"])
    }

    /// Puts credentials into force that have changed, in its turn. Returns why that failed; nil: it did not.
    func renewed() async -> String? {
        let id = nextRenewal
        nextRenewal += 1
        let fault = await renewals.wait(for: id, atMost: .seconds(30)) { submit(.credentials(asked: id)) }
        return fault.map { $0.isEmpty ? nil : $0 } ?? "the agent is busy or about to end"
    }

    func run() async throws {
        announce()
        takeUpAccounts()
        surroundings.names.take(pods)
        surroundings.cluster.adopt(catalog.node.kubernetes)
        surroundings.credentials.adopt(catalog)
        _ = await resolveNames(catalog.endpointNames)
        // Before connect() can choose anything: whoever is drained stays out.
        await survey()
        bringEndpoints()
        follow()
        for await change in changes.cancelOnGracefulShutdown() where !detached { await take(change) }
        reloads.close()
        renewals.close()
    }

    private func take(_ change: Change) async {
        switch change {
        case .welcome(let connection, let welcome):
            await self.welcome(connection, welcome)
            await observe()
        case .reload(let asked): await reread(asked: asked)
        case .cgroups(let tree): classify(tree)
        case .pods(let pods): take(pods)
        case .names: lookUpNames()
        case .resolved(let answers): await refresh(answers)
        case .discovered: await register()
        case .credentials(let asked): await renew(asked: asked)
        case .resources(let resources): await overlay(resources)
        case .backings(let backings): await take(backings)
        case .retry:
            await retry()
            if isOverlayBehind { await overlay() }
            await observe()
            keepQdisc(thorough: true)
        case .entries:
            keepQdisc(thorough: false)
            keepAccess()
        }
    }

    /// A catalogue as it is put into force: with the models that were discovered, and names resolved.
    func whole(_ catalog: Catalog) -> Catalog {
        backings.applied(to: resolved.applied(to: surroundings.discoveries.applied(to: catalog)))
    }

    /// The whole catalogue and its models' slots, under a number.
    func settings(_ catalog: Catalog, _ generation: UInt64) -> ProxySettings {
        let whole = whole(catalog)
        let credentials = credentials(for: whole)
        return ProxySettings(
            generation: generation, catalog: whole.serving(credentials), hostNetnsCookie: groundwork.hostNetnsCookie,
            slots: Governance.slots(of: whole, governed.slots), credentials: credentials,
            accountSlots: surroundings.accounts.slots(of: whole), tracing: catalog.node.otlp?.traces)
    }

    /// A number that no configuration has had.
    func issue() -> UInt64 {
        issued += 1
        return issued
    }

    private func take(_ pods: PodTable) {
        guard pods != self.pods else { return }
        self.pods = pods
        surroundings.names.take(pods)
        // Before the first look at the cgroups there is nothing to say of them that the start has not said.
        if let tree { classify(tree) }
    }

    private func classify(_ tree: CgroupTree) {
        surroundings.names.take(tree)
        self.tree = tree
        tellPods()
        let table = WorkloadTable(catalog, pods: pods)
        let difference = WorkloadDifference(from: workloads, to: table.entries(for: tree))
        do {
            for (cgroup, entry) in difference.set {
                try groundwork.plane.setWorkload(cgroup, entry)
                workloads[cgroup] = entry
            }
            for cgroup in difference.removed {
                try groundwork.plane.removeWorkload(cgroup)
                workloads[cgroup] = nil
            }
        } catch {
            logger.error("cannot tell the kernel of a workload", metadata: ["reason": "\(error)"])
        }
    }
}
