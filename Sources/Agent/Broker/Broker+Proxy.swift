private import CLinux
internal import Catalog
internal import Control
internal import KernelPlane
internal import Logging

extension Broker {
    /// Why something is not in force.
    struct Obstacle: Error, Sendable {
        let reason: String
        /// The proxy has turned it down, so what was in force before still is, everywhere.
        var nothingChanged = false
    }

    /// Gives a proxy that has just connected its configuration and the kernel's maps that it works with.
    ///
    /// One that is to take another's place changes nothing here until it accepts.
    func welcome(_ new: ProxyConnection, _ welcome: ProxySupervisor.Welcome) async {
        guard new.isOpen else { return settle(new, .silent, welcome) }
        // Nothing of the proxy's may be newer than ours, or it would seem to be behind for ever.
        issued = max(issued, new.hello.generation)
        if generation <= new.hello.generation {
            do {
                try applyToKernel(catalog, issue(), governed.slots)
                generation = issued
            } catch {
                logger.error("cannot raise the kernel's generation", metadata: ["reason": "\(error.reason)"])
            }
        }
        if !welcome.isNext {
            connection = new
            proxyGeneration = new.hello.generation == 0 ? nil : new.hello.generation
        }
        let number = generation
        let plane = groundwork.plane
        let maps = [
            plane.listenersDescriptor, plane.modelsDescriptor, plane.bucketsDescriptor, surroundings.accounts.descriptor,
        ]
        let feed = surroundings.feed
        let outcome = await new.welcome(
            settings(catalog, number), maps: maps, handed: welcome.handed, atMost: Self.applyLimit
        ) { feed.brief(new) }
        if welcome.isNext {
            if outcome == .applied { connection = new } else if let connection { feed.brief(connection) }
        }
        note(outcome, number, from: new)
        settle(new, outcome, welcome)
    }

    private func settle(_ new: ProxyConnection, _ outcome: ProxyConnection.Outcome, _ welcome: ProxySupervisor.Welcome) {
        guard welcome.isNext else { return }
        surroundings.supervisor.settled(new, outcome, drain: .milliseconds(catalog.node.drain))
    }

    /// Puts a new proxy in the place of the one that serves, by hand.
    func replaceProxy(by uid: UInt32?) async throws(AgentError) -> ReplacementReport {
        logger.notice("the proxy is to be replaced", metadata: ["uid": "\(uid.map { String($0) } ?? "unknown")"])
        return try await surroundings.supervisor.replace()
    }

    /// Puts a catalogue into force everywhere under a new number: the models' entries first, since all others refer to
    /// them, then in the proxy, since it can refuse, then the rest in the kernel. Entries go when nothing refers to them any
    /// more.
    func enforce(_ new: Catalog) async throws(Obstacle) {
        do {
            surroundings.discoveries.adopt(new)
            try await put(new, issue())
        } catch {
            // The endpoints are those of the configuration before again.
            await survey()
            throw error
        }
    }

    private func put(_ new: Catalog, _ number: UInt64) async throws(Obstacle) {
        let former = governed
        governed = try admit(new)
        let current = connection?.isOpen == true ? connection : nil
        let whole = whole(new)
        try furnish(new, whole, instead: former)
        if let current {
            let (standings, feed) = (surroundings.standings, surroundings.feed)
            let outcome = await current.configure(settings(new, number), atMost: Self.applyLimit) {
                standings.adopt(whole)
                feed.brief(current)
            }
            if case .rejected(let reason) = outcome {
                rejection = reason
                takeBack(to: former)
                throw Obstacle(reason: "the proxy refused it: \(reason)", nothingChanged: true)
            }
            // A proxy that went away meanwhile gets the configuration when it is back.
            if outcome == .silent, current.isOpen { throw Obstacle(reason: "the proxy did not answer in time") }
            if outcome == .applied { proxyGeneration = number }
        }
        try applyEndpoints(new)
        try applyToKernel(new, number, governed.slots)
        generation = number
        rejection = nil
        settleEndpoints()
        surroundings.standings.adopt(whole)
        surroundings.inquiries.adopt(whole)
        governed.settle(groundwork.plane)
        settleAccounts(new, whole)
        announce()
        clinux_release_start_memory()
        await adoptEngines(whole)
    }

    /// Tries again what the proxy has not put into force.
    func retry() async {
        if governed.isUnfinished { await govern() }
        if endpointsComplaint != nil { bringEndpoints() }
        surroundings.endpoints.retell()
        if isDiscoveryBehind { await register() }
        if areCredentialsBehind { await renew(asked: nil) }
        await askForLostLines()
        guard let connection, connection.isOpen, proxyGeneration != generation else { return }
        let number = generation
        let feed = surroundings.feed
        let outcome = await connection.configure(settings(catalog, number), atMost: Self.applyLimit) { feed.brief(connection) }
        note(outcome, number, from: connection)
    }

    private func note(_ outcome: ProxyConnection.Outcome, _ number: UInt64, from source: ProxyConnection) {
        guard source === connection else { return }
        switch outcome {
        case .applied:
            proxyGeneration = number
            rejection = nil
            clinux_release_start_memory()
        case .rejected(let reason):
            if rejection != reason { logger.error("the proxy refused the configuration", metadata: ["reason": "\(reason)"]) }
            rejection = reason
        case .silent:
            if source.isOpen { logger.error("the proxy did not answer", metadata: ["generation": "\(number)"]) }
        }
    }

    private func applyToKernel(_ catalog: Catalog, _ number: UInt64, _ slots: [String: UInt32]) throws(Obstacle) {
        let settings = PlaneSettings(generation: number, hostNetnsCookie: groundwork.hostNetnsCookie, node: catalog.node)
        let table = WorkloadTable(catalog, pods: pods)
        let tree = tree ?? CgroupScan.tree(mount: groundwork.mount, node: catalog.node)
        let entries = table.entries(for: tree)
        do {
            try groundwork.plane.apply(settings: settings, rules: catalog.rules, workloads: entries, slots: slots)
            workloads = entries
        } catch {
            throw Obstacle(reason: "the kernel refused it: \(error)")
        }
    }

    /// Asks for the addresses of names. True if any changed.
    func resolveNames(_ names: [String]) async -> Bool {
        guard !names.isEmpty else { return false }
        return take(await surroundings.resolver.resolve(names, limit: Self.resolveLimit))
    }

    private func take(_ answers: [String: ResolvedNames.Answer]) -> Bool {
        let now = Clocks.monotonic()
        var changed = false
        for (name, answer) in answers.sorted(by: { $0.key < $1.key }) {
            if resolved.take(answer, for: name) { changed = true }
            nameSchedule.finished(name, succeeded: answer.isAddresses, seconds: answer.seconds, now: now)
            report(answer, for: name)
        }
        return changed
    }

    /// A name that begins to fail is logged and an event, once.
    private func report(_ answer: ResolvedNames.Answer, for name: String) {
        let reason: String
        switch answer {
        case .addresses:
            failingNames.remove(name)
            return
        case .none(let text), .unknown(let text): reason = text
        }
        let known = !(resolved.addresses[name] ?? []).isEmpty
        let detail = "\(name): \(reason)" + (known ? "; its last addresses stay in use" : "")
        guard failingNames.insert(name).inserted else { return }
        surroundings.hub.publish(EventReport(time: Timestamp.now(), kind: .endpointFailed, detail: detail))
        logger.warning("cannot resolve an endpoint's name", metadata: ["name": "\(name)", "reason": "\(reason)"])
    }

    /// Starts to look up the names that are due. Nothing else waits for a name server.
    func lookUpNames() {
        let names = catalog.endpointNames
        resolved.keep(only: names)
        failingNames.formIntersection(names)
        let due = nameSchedule.due(names, now: Clocks.monotonic())
        guard !due.isEmpty else { return }
        let resolver = surroundings.resolver
        Task { submit(.resolved(await resolver.resolve(due, limit: Self.resolveLimit))) }
    }

    /// Takes in what came of it.
    func refresh(_ answers: [String: ResolvedNames.Answer]) async {
        let wanted = Set(catalog.endpointNames)
        // Of names that are no longer asked for nothing is kept but that they are not under way.
        for name in answers.keys where !wanted.contains(name) {
            nameSchedule.finished(name, succeeded: true, now: Clocks.monotonic())
        }
        guard take(answers.filter({ wanted.contains($0.key) })) else { return }
        do {
            try await enforce(catalog)
        } catch {
            logger.error("cannot put new addresses into force", metadata: ["reason": "\(error.reason)"])
        }
    }
}
