import Admission
import CLinux
import Catalog
import Control
import Flow
import Glibc
import Identity
import Reactor
import Routing
import Tokens

/// Why a configuration can't be put in force.
struct ApplyError: Error, CustomStringConvertible {
    let description: String
}

/// The event loops together: their listeners, and the configuration in force.
struct LoopGroup: ~Copyable {
    private let outbox: Outbox
    private let audit: AuditWriter
    private var mailboxes: [Mailbox<WorkerMessage>] = []
    private var listeners: [ListenerPlan: Listener] = [:]
    private var nextListener = 0
    private var listenersMap: Descriptor?
    /// The models' entries; nil: no agent has brought any.
    private var maps: MappedMaps?
    /// The accounts that all proxies charge together; nil: no agent has brought any.
    private var accounts: MappedAccounts?
    /// What requests under way hold, and the sessions, of this process: the same for all configurations.
    private let held = HeldCounts()
    private let sessions = SessionBook()
    private let desk = TokenDesk()
    /// What endpoints are known by as long as the proxy lives, and what all loops count of them together.
    private var numbers = EndpointNumbers()
    private let shared: RoutingShared
    /// Where the requests of all loops wait, and how it reaches them.
    private let room: WaitingRoom
    private let posts = LoopPosts()
    private var routes = RoutingTable()
    private var registry = TLSRegistry()
    private var certificates = CertificateRegistry()
    /// What the agent said last: for loops that are yet to start.
    private var standings: [Standing] = []
    private var isWatched = false
    private var isAudited = false
    private var pods: [UInt64: PodName] = [:]
    private var drainCounter: DrainCounter?
    /// Of the proxy before this one, until the first configuration.
    private var handed = HandedSockets()
    /// What proxies have counted that this one has followed.
    private var former = ProxyTotals()
    /// Of the configuration in force; 0: none yet.
    private(set) var generation: UInt64 = 0

    init(_ outbox: Outbox) throws(SystemError) {
        self.outbox = outbox
        audit = try AuditWriter()
        let (shared, posts) = (RoutingShared(), self.posts)
        self.shared = shared
        room = WaitingRoom(shared) { owner, call in posts.post(owner, call) }
        listenersMap = nil
        maps = nil
        accounts = nil
    }

    var count: Int { mailboxes.count }
    var isDrained: Bool { drainCounter?.isDone ?? mailboxes.isEmpty }

    /// Takes the kernel plane's map of listeners. One that replaces another (the plane was made anew) gets every
    /// listener that is open.
    mutating func adopt(listenersMap map: consuming Descriptor) {
        listenersMap = consume map
        for (plan, listener) in listeners {
            do throws(ApplyError) { try register(listener, plan) } catch { outbox.log(error.description) }
        }
    }

    /// Takes the kernel plane's maps `models` and `buckets`; those of the agent before go when the last request that was
    /// charged there is settled. Without them no model has a limit.
    mutating func adopt(models: consuming Descriptor?, buckets: consuming Descriptor?) {
        maps = nil
        guard let models, let buckets else { return }
        do throws(SystemError) {
            maps = try MappedMaps(models: models, buckets: buckets)
        } catch {
            outbox.log("cannot map the models' entries, which have no effect here: \(error)")
        }
    }

    /// Takes the file of the shared accounts. Without it nothing that is counted there is limited.
    mutating func adopt(accounts file: consuming Descriptor?) {
        guard let file = consume file else { return accounts = nil }
        accounts = MappedAccounts(file)
    }

    /// Puts a configuration in force: new listeners first, so that a port in use leaves everything as it was. The agent
    /// is told `applied` once every loop has taken it up.
    mutating func apply(_ settings: ProxySettings) throws(ApplyError) {
        let configuration = try configuration(settings)
        room.adopt(settings.catalog, configuration.routes, now: MonotonicClock.now())
        routes = configuration.routes
        room.take(standings, routes, now: MonotonicClock.now())
        if mailboxes.isEmpty { try startLoops(configuration) }
        let plans = ListenerPlan.plans(for: settings.catalog.node) { configuration.certificates[$0] != nil }
        var opened: [ListenerPlan: Listener] = [:]
        for plan in plans where listeners[plan] == nil {
            opened[plan] = try open(plan)
        }
        // What no address of this configuration has is let go.
        handed = HandedSockets()
        for (plan, listener) in opened { try register(listener, plan) }
        adoptIssuers(settings)
        generation = settings.generation
        let applied = Acknowledgement(workers: mailboxes.count, of: .applied(generation: generation), outbox)
        for mailbox in mailboxes { mailbox.post(.configure(configuration, applied)) }
        for (plan, listener) in opened {
            hand(out: listener)
            listeners[plan] = listener
        }
        for plan in Array(listeners.keys) where !plans.contains(plan) {
            guard let listener = listeners.removeValue(forKey: plan) else { continue }
            for mailbox in mailboxes { mailbox.post(.unlisten(listener.id)) }
        }
    }

    /// The entries as far as these slots reach.
    private func page(for slots: [UInt32]) -> QoSPage? {
        guard let maps else { return nil }
        do throws(SystemError) {
            try maps.extend(to: slots.max() ?? 0)
        } catch {
            outbox.log("cannot map all of the models' entries, which in part have no effect here: \(error)")
        }
        return maps.page
    }

    mutating func configuration(_ settings: ProxySettings) throws(ApplyError) -> ProxyConfiguration {
        let allowances = try allowances(settings)
        let routes = RoutingTable(settings.catalog, &numbers)
        if routes.leftOut > 0 { outbox.log("\(routes.leftOut) endpoints are beyond what can be numbered, and left out") }
        let outbox = outbox
        let terms = registry.terms(of: settings.catalog) { outbox.log($0) }
        let certificates = certificates.contexts(for: settings) { outbox.log($0) }
        let configuration = ProxyConfiguration(
            settings, page(for: settings.slots), routes: routes, terms: terms, certificates: certificates,
            allowances: allowances)
        do throws(FirewallFault) {
            _ = try configuration.firewall()
        } catch {
            throw ApplyError(description: "cannot use the firewall: \(error)")
        }
        return configuration
    }

    private mutating func allowances(_ settings: ProxySettings) throws(ApplyError) -> AllowanceTable {
        let page = accountPage(for: settings.accountSlots)
        do throws(AllowanceFault) {
            return try AllowanceTable(
                settings.catalog, page: page, slots: page == nil ? [] : settings.accountSlots, held: held, sessions: sessions)
        } catch {
            throw ApplyError(description: "cannot count what is limited: \(error)")
        }
    }

    private func accountPage(for slots: [UInt32]) -> AccountPage? {
        guard !slots.isEmpty else { return nil }
        do throws(SystemError) {
            if let page = try accounts?.page(reaching: slots) { return page }
            outbox.log("there are no shared accounts: what is counted there is not limited")
        } catch {
            outbox.log("cannot map the shared accounts, which have no effect here: \(error)")
        }
        return nil
    }

    /// What tokens are checked with from now on.
    private func adoptIssuers(_ settings: ProxySettings) {
        let issuers = settings.catalog.authentication.issuers
        let (checker, complaints) = TokenChecker.make(
            issuers: issuers, keySets: settings.credentials.keySets, clients: settings.catalog.clients)
        for complaint in complaints { outbox.log(complaint) }
        do throws(SystemError) {
            try desk.adopt(issuers.isEmpty ? nil : checker)
        } catch {
            outbox.log("cannot check tokens: \(error)")
        }
    }

    /// Asks all loops; or the first alone where one knows what all do.
    func ask(_ id: UInt32, _ query: ProxyQuery) {
        let asked =
            switch query {
            case .statistics, .flows, .routing: mailboxes[...]
            case .explain, .rotate, .queues: mailboxes.prefix(1)
            }
        let collector = ReportCollector(id: id, query, workers: asked.count, outbox, audit, former: former)
        for mailbox in asked { mailbox.post(.report(collector)) }
    }

    /// Takes up what the agent knows of endpoints: all of it, each time.
    mutating func take(_ new: [EndpointStanding]) {
        let former = unloadedStandings
        standings = new.map {
            Standing(
                url: $0.key.url, address: $0.key.address, fault: $0.fault, isDrained: $0.isDrained,
                maintenanceUntil: $0.maintenanceUntil, isReady: $0.phase == .always ? nil : $0.phase == .ready,
                retryAt: $0.phase == .failed ? $0.retryAt : 0, load: $0.load, reading: $0.reading)
        }
        // How busy engines are, which changes all the time, is the room's concern: all that wait would look again.
        let unloaded = unloadedStandings
        if unloaded != former {
            for mailbox in mailboxes { mailbox.post(.standings(unloaded)) }
        }
        // After the loops, so that they know of a server by the time its slots are given out.
        room.take(standings, routes, now: MonotonicClock.now())
    }

    /// Those that have something to say beside how busy an engine is.
    private var unloadedStandings: [Standing] {
        standings.map { standing in
            var standing = standing
            (standing.load, standing.reading) = (nil, 0)
            return standing
        }.filter { $0 != Standing(url: $0.url, address: $0.address) }
    }

    /// Audit lines go to `descriptor` from now on; nil: nowhere, and none are made.
    mutating func writeAudit(to descriptor: consuming Descriptor?) {
        var isTaken = false
        if let descriptor = consume descriptor {
            do throws(SystemError) {
                try audit.use(descriptor)
                isTaken = true
            } catch {
                outbox.log("cannot write audit lines: \(error)")
            }
        } else {
            audit.useNothing()
        }
        isAudited = isTaken
        for mailbox in mailboxes { mailbox.post(.takeAudit(isTaken)) }
    }

    /// Which cgroups are pods' from now on.
    mutating func take(_ new: [CgroupPod]) {
        pods = Dictionary(new.map { ($0.cgroup, $0.pod) }) { first, _ in first }
        for mailbox in mailboxes { mailbox.post(.pods(pods)) }
    }

    /// Waits for the last audit lines to be written, for a little while.
    func finishAudit() { audit.finish(milliseconds: 2000) }

    mutating func watchDecisions(_ wanted: Bool) {
        guard wanted != isWatched else { return }
        isWatched = wanted
        for mailbox in mailboxes { mailbox.post(.watchDecisions(wanted)) }
    }

    /// Ends: idle connections at once, the others when what is under way on them has ended.
    ///
    /// - Parameter isReplaced: another proxy has the listeners, so that nothing is in a hurry.
    mutating func drain(isReplaced: Bool) {
        let counter = drainCounter ?? DrainCounter(workers: mailboxes.count, outbox)
        drainCounter = counter
        listeners = [:]
        for mailbox in mailboxes { mailbox.post(.drain(counter, isReplaced: isReplaced)) }
    }

    /// Takes a socket of the proxy before this one, which is used by the configuration that comes next.
    mutating func take(_ listener: HandedListener, _ descriptors: [Int32]) {
        if let fault = handed.take(listener, descriptors) {
            outbox.log("the agent passed on sockets that can't be used: \(fault)")
        }
    }

    /// Adds to what is counted here.
    mutating func carry(_ totals: ProxyTotals) { former.add(totals) }

    /// All listening sockets, in portions that a message can carry.
    var handOver: [(listener: HandedListener, sockets: [Int32])] {
        listeners.flatMap { plan, listener in
            stride(from: 0, to: listener.all.count, by: HandedListener.maximumCount).map { start in
                let sockets = Array(listener.all[start...].prefix(HandedListener.maximumCount))
                let message = HandedListener(address: plan.address, purpose: plan.purpose, count: UInt8(sockets.count))
                return (message, sockets)
            }
        }
    }

    private mutating func startLoops(_ configuration: ProxyConfiguration) throws(ApplyError) {
        let wanted = configuration.catalog.node.workers
        let count = wanted > 0 ? wanted : max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        do throws(SystemError) {
            for loop in 0..<count {
                let mailbox = try Mailbox<WorkerMessage>()
                let start = WorkerThread.Start(
                    mailbox: mailbox, outbox: outbox, audit: audit, desk: desk, configuration: configuration, shared: shared,
                    room: room, loop: loop, loops: count)
                try WorkerThread.start(start)
                mailboxes.append(mailbox)
            }
            posts.use(mailboxes)
        } catch {
            throw ApplyError(description: "cannot start an event loop: \(error)")
        }
        let peers = LoopPeers(mailboxes)
        for mailbox in mailboxes {
            mailbox.post(.meet(peers))
            mailbox.post(.standings(unloadedStandings))
            mailbox.post(.watchDecisions(isWatched))
            mailbox.post(.takeAudit(isAudited))
            mailbox.post(.pods(pods))
        }
    }

    private mutating func open(_ plan: ListenerPlan) throws(ApplyError) -> Listener {
        nextListener += 1
        do throws(SystemError) {
            return try Listener(id: nextListener, plan, shares: mailboxes.count, former: handed.takeAll(plan))
        } catch {
            throw ApplyError(description: "cannot listen on \(plan.address): \(error)")
        }
    }

    private func hand(out listener: Listener) {
        for (share, mailbox) in mailboxes.enumerated() {
            var copy = listener
            copy.share = share
            mailbox.post(.listen(copy))
        }
    }

    /// Shows the listener to the kernel plane: connect() looks there to see whether somebody listens.
    private mutating func register(_ listener: Listener, _ plan: ListenerPlan) throws(ApplyError) {
        guard let slot = plan.slot else { return }
        guard let map = listenersMap?.number else { return }
        guard let socket = listener.all.first, !isRegistered(listener, in: map, slot) else { return }
        let result = clinux_sockmap_set(map, slot, socket)
        guard result == 0 else {
            throw ApplyError(description: "cannot register the listener \(plan.address): \(String(cString: strerror(-result)))")
        }
    }

    /// A socket that was taken over is there already, and stays: there is no moment without one.
    private func isRegistered(_ listener: Listener, in map: Int32, _ slot: UInt32) -> Bool {
        var cookie: UInt64 = 0
        guard clinux_sockmap_cookie(map, slot, &cookie) == 0 else { return false }
        return listener.all.contains { ListeningSocket($0)?.cookie == cookie }
    }
}
