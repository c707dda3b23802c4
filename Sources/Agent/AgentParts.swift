private import Catalog
internal import Control
private import Glibc
internal import Logging
private import NIOPosix
internal import ServiceLifecycle
private import Synchronization
private import UnixSignals

/// The parts of a running agent and how they are joined.
final class AgentParts: Sendable {
    let services: [any Service]
    private let leaving: Leaving

    /// Set when the broker has been taken out of the node.
    private final class Leaving: Sendable {
        let state = Mutex<(left: Bool, action: (@Sendable () -> Void)?)>((false, nil))

        func leave() {
            let action = state.withLock { state in
                state.left = true
                return state.action
            }
            action?()
        }
    }

    init(_ groundwork: Groundwork, _ logger: Logger) {
        let feed = ProxyFeed()
        let hub = EventHub { feed.watchDecisions($0) }
        let names = NodeNames(groundwork.catalog)
        let failures = EndpointFailures()
        let state = StateFile(path: groundwork.run.statePath, groundwork, logger)
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let admin = AdminServer(descriptor: groundwork.adminSocket, group: loops, logger: logger)
        let endpoints = EndpointWatch(plane: DirectPlane(groundwork.plane), hub: hub, logger: logger)
        let prober = EndpointProber(logger: logger) { endpoints.take($0) }
        let toBroker = Relay<Broker>()
        let standings = Standings(
            file: DrainFile(path: groundwork.run.drainedPath),
            audience: Standings.Audience(
                proxy: { feed.tell($0) }, kernel: { endpoints.keepOut($0) }, event: { hub.publish($0) }), logger: logger)
        let audit = AuditKeeper(hub: hub, logger: logger) { feed.audit($0) }
        let exports = ExportKeeper(hub: hub, logger: logger) { await toBroker.target?.metrics() }
        exports.adopt(groundwork.catalog.node)
        let accounts = AccountKeeper(
            file: groundwork.accounts, journal: groundwork.state.journalPath, hub: hub, logger: logger)
        let credentials = CredentialKeeper(hub: hub, logger: logger) { toBroker.target?.submit(.credentials(asked: nil)) }
        let discoveries = Discoveries(hub: hub, logger: logger) { toBroker.target?.submit(.discovered) }
        let inquiries = EndpointInquiries(standings: standings, discoveries: discoveries, logger: logger)
        let files = ClusterFiles(directory: groundwork.options.stateDirectory)
        let statuses = StatusWriter(logger: logger)
        let backings = BackingWatch(files: files, known: groundwork.backings, logger: logger) {
            toBroker.target?.submit(.backings($0))
        }
        let resources = ResourceWatch(files: files, logger: logger) { toBroker.target?.submit(.resources($0)) }
        let engines = EngineKeeper(
            place: EnginePlace(brokerCgroup: groundwork.broker.path, runDirectory: groundwork.run.path),
            audience: EngineKeeper.Audience(
                standings: { standings.take($0) }, loads: { standings.take(loads: $0) }, event: { hub.publish($0) }),
            logger: logger)
        let supervisor = ProxySupervisor(
            program: groundwork.program,
            surroundings: ProxySupervisor.Surroundings(
                hub: hub, state: state, logger: logger, netnsCookie: groundwork.hostNetnsCookie,
                drain: .milliseconds(groundwork.catalog.node.drain)
            ) { connection, welcome in toBroker.target?.submit(.welcome(connection, welcome)) })
        let book = PodBook(run: groundwork.run, logger: logger) { toBroker.target?.submit(.pods($0)) }
        let news = ClusterNews(hub: hub)
        let cluster = ClusterWatch(logger: logger, resources: { book.resources($0) }, told: { news.tell($0, $1) })
        let broker = Broker(
            Broker.Surroundings(
                groundwork: groundwork, supervisor: supervisor, admin: admin, resolver: NameResolver(), names: names, hub: hub,
                failures: failures, endpoints: endpoints, prober: prober, standings: standings, inquiries: inquiries,
                engines: engines, discoveries: discoveries, feed: feed, accounts: accounts, credentials: credentials,
                keys: KeyStore(file: KeyFile(path: groundwork.state.keysPath), logger: logger), audit: audit, exports: exports,
                cluster: cluster, state: state, resources: resources, backings: backings, statuses: statuses, logger: logger))
        toBroker.target = broker
        let leaving = Leaving()
        self.leaving = leaving
        let link = ProxyLinkServer(
            listener: groundwork.proxySocket, admission: groundwork.admission,
            handler: ProxyLinkServer.Handler(
                connected: {
                    engines.linked($0)
                    supervisor.linked($0)
                },
                disconnected: {
                    engines.unlinked($0)
                    supervisor.unlinked($0)
                },
                event: ProxyEventReceiver(hub: hub, names: names, failures: failures).take, wanted: { engines.want($0) },
                spans: { exports.take(spans: $0, count: $1) },
                refused: { hub.publish(EventReport(time: Timestamp.now(), kind: .proxyRefused, detail: $0)) }),
            logger: logger)
        let live = LiveFeed { await broker.live() }
        services = [
            broker, supervisor, ProxyLinkService(server: link),
            CgroupWatcher(mount: groundwork.mount, node: groundwork.catalog.node, logger: logger) { broker.submit(.cgroups($0)) },
            ConfigurationWatcher(path: groundwork.options.configuration, logger: logger) { broker.submit(.reload(asked: nil)) },
            prober, inquiries, engines, credentials, audit, accounts, exports, cluster, resources.service, backings.service,
            statuses,
            KernelEventPump(plane: groundwork.plane, hub: hub, names: names, logger: logger) { event, report in
                if let line = AuditLine.of(event, report) { audit.write(line) }
            },
            Housekeeping(broker: broker, hub: hub, standings: standings),
            ControlServer(
                descriptor: groundwork.controlSocket, group: loops,
                answers: ControlAnswers(broker, accounts, engines, hub: hub, leave: { leaving.leave() }), logger: logger),
            AdminService(
                server: admin,
                pages: AdminPages(
                    readiness: { await broker.readiness() }, metrics: { await broker.metrics() },
                    live: { await live.json() })),
        ]
    }

    /// What ends the agent after the broker has been taken out of the node.
    func whenLeaving(_ action: @escaping @Sendable () -> Void) { leaving.state.withLock { $0.action = action } }

    /// The broker has been taken out of the node.
    var hasLeft: Bool { leaving.state.withLock { $0.left } }
}

/// Lets two parts refer to each other, one of which has to be made first.
private final class Relay<Target: AnyObject & Sendable>: Sendable {
    private let held = Mutex<Target?>(nil)

    var target: Target? {
        get { held.withLock { $0 } }
        set { held.withLock { $0 = newValue } }
    }
}

private struct ProxyLinkService: Service {
    let server: ProxyLinkServer

    func run() async throws {
        try server.start()
        try? await gracefulShutdown()
        server.stop()
    }
}

private struct AdminService: Service {
    let server: AdminServer
    let pages: AdminPages

    func run() async throws { try await server.run(pages) }
}

extension Groundwork {
    fileprivate var program: ProxyProgram? {
        proxyProgram.map {
            ProxyProgram(path: $0, runDirectory: run.path, account: account, cgroup: broker.proxy)
        }
    }

    fileprivate var admission: ProxyAdmission {
        ProxyAdmission(uid: account.uid, brokerCgroup: catalog.node.effectiveBrokerCgroup)
    }
}

extension StateFile {
    fileprivate convenience init(path: String, _ groundwork: Groundwork, _ logger: Logger) {
        let former = AgentState.read(path)
        self.init(
            path: path,
            state: AgentState(
                agentPid: getpid(), proxyPid: former?.proxyPid, brokerCgroup: groundwork.broker.path,
                pinDirectory: groundwork.options.pinDirectory, podAddresses: groundwork.podAddresses.map(\.description)),
            logger: logger)
    }
}
