internal import Catalog
internal import Control
private import Glibc
internal import KernelPlane
internal import Telemetry

extension Broker {
    /// The proxy's numbers, with those of the ones that have been replaced and drain; nil when it does not answer.
    func statistics() async -> ProxyStatistics? {
        for _ in 0..<3 {
            let before = await surroundings.supervisor.status
            guard let connection, connection.isOpen, case .statistics(var numbers) = await connection.query(.statistics) else {
                return nil
            }
            for draining in before.draining { numbers.add(await Self.statistics(of: draining)) }
            // One that ended meanwhile may have been counted twice, or not at all.
            if await surroundings.supervisor.status.drainCount == before.drainCount { return numbers }
        }
        return nil
    }

    private static func statistics(of draining: ProxyStatus.Draining) async -> ProxyStatistics {
        guard let connection = draining.connection else { return ProxyStatistics() }
        if connection.isOpen, case .statistics(let numbers) = await connection.query(.statistics) {
            connection.note(statistics: numbers)
            return numbers
        }
        return connection.lastWords.statistics
    }

    func status() async -> StatusReport {
        var report = StatusReport()
        report.agent.pid = getpid()
        report.agent.version = Version.current
        report.agent.uptimeMilliseconds = UInt64((ContinuousClock.now - started) / .milliseconds(1))
        report.configuration.path = groundwork.options.configuration
        report.configuration.generation = generation
        report.configuration.proxyGeneration = proxyGeneration
        report.configuration.proxyRejection = rejection
        report.configuration.lastReload = lastReload
        report.complaints = complaints
        report.resources = resourceReports
        report.kernel = kernelStatus()
        report.counts.rules = catalog.rules.count
        let whole = whole(catalog)
        report.counts.models = whole.models.count
        report.counts.endpoints = whole.placedEndpoints.count
        report.counts.clients = catalog.clients.count
        report.counts.workloads = workloads.count
        report.exports = surroundings.exports.reports
        report.certificates = await certificateReports()
        report.kubernetes = surroundings.cluster.state.map { StatusReport.Kubernetes($0) }
        let proxy = await surroundings.supervisor.status
        report.proxy = StatusReport.Proxy(proxy, await statistics())
        report.proxy.draining = await drainingProxies(proxy)
        report.proxy.lastReplacement = proxy.lastReplacement
        return report
    }

    private func drainingProxies(_ proxy: ProxyStatus) async -> [StatusReport.DrainingProxy] {
        var all: [StatusReport.DrainingProxy] = []
        for draining in proxy.draining {
            var one = StatusReport.DrainingProxy(
                pid: draining.pid, remainingMilliseconds: UInt64(draining.left / .milliseconds(1)))
            if let connection = draining.connection, case .statistics(let numbers) = await connection.query(.statistics) {
                one.openConnections = numbers.openConnections
            }
            all.append(one)
        }
        return all
    }

    private func kernelStatus() -> StatusReport.Kernel {
        var kernel = StatusReport.Kernel()
        kernel.captureCgroup = groundwork.captureCgroup
        kernel.brokerCgroup = groundwork.broker.path
        kernel.pinDirectory = groundwork.options.pinDirectory
        kernel.adopted = groundwork.plane.adopted
        kernel.listeners = listeners()
        for (name, value) in (try? inspector.counters()) ?? [] { kernel.counters[name] = value }
        return kernel
    }

    private func listeners() -> [StatusReport.Listener] {
        let alive = (try? inspector.listeners()) ?? []
        let targets = PlaneSettings(generation: generation, hostNetnsCookie: 0, node: catalog.node).targets
        return ListenerSlot.allCases.map { slot in
            StatusReport.Listener(
                name: "\(slot)", address: targets[slot.rawValue]?.description,
                alive: slot.rawValue < alive.count && alive[slot.rawValue])
        }
    }

    func readiness() async -> Readiness {
        let proxy = await surroundings.supervisor.status
        let attached = !detached && links.areThere
        return Readiness(
            attached: attached, generation: generation, proxyConnected: proxy.connection?.isOpen ?? false,
            proxyGeneration: proxyGeneration, rejection: rejection,
            deadListeners: listeners().filter { !$0.alive }.compactMap(\.address),
            accountingFault: surroundings.accounts.fault)
    }

    /// Models of the configuration first, then those that were only seen.
    func models() async -> [ModelReport] {
        let numbers = await statistics()
        let entries = Dictionary(grouping: numbers?.models ?? [], by: \.name)
        let failures = surroundings.failures.all
        let whole = whole(catalog)
        let makers = makers
        let known = whole.models.map { model in
            var report = ModelReport(model, counters: Self.sum(entries[model.name] ?? []), failures: failures)
            report.resource = makers[model.name]
            return report
        }
        let names = Set(whole.models.map(\.name))
        let seen = (numbers?.models ?? []).filter { !names.contains($0.name) }
        return known + seen.map { ModelReport(name: $0.name, source: .seen, counters: $0.counters) }
    }

    private static func sum(_ entries: [ProxyStatistics.ModelEntry]) -> ModelCounters {
        entries.reduce(into: ModelCounters()) { $0 += $1.counters }
    }

    /// - Parameters: nil: whatever it is.
    func flows(model: String?, client: String?) async throws(AgentError) -> [FlowReport] {
        guard let connection, connection.isOpen, case .flows(var records) = await connection.query(.flows, atMost: .seconds(5))
        else { throw AgentError("the proxy does not answer") }
        for draining in await surroundings.supervisor.status.draining {
            if case .flows(let more) = await draining.connection?.query(.flows) { records += more }
        }
        return records.filter { (model == nil || $0.model == model) && (client == nil || $0.client == client) }.map { record in
            let caller = surroundings.names.caller(record.cgroup)
            return FlowReport(
                record, workload: caller.workload, pod: caller.pod, container: caller.container,
                serviceAccount: caller.serviceAccount, rule: surroundings.names.rule(record.rule))
        }
    }

    func captures() -> [CaptureReport] {
        catalog.rules.enumerated().map { index, rule in
            let id = UInt32(index)
            let counted = (try? inspector.ruleCounters(id)) ?? RuleCounters()
            return CaptureReport(
                rule, id: id,
                counters: CaptureReport.Counters(
                    captured: counted.captured, denied: counted.denied, direct: counted.direct, refused: counted.refused))
        }
    }

    /// Everything that the metrics page shows.
    func metrics() async -> MetricsPage {
        var page = MetricsPage()
        page.generation = generation
        page.reloadSucceeded = lastReload?.accepted ?? true
        page.isReady = await readiness().obstacle == nil
        page.eventsSuppressed = surroundings.hub.suppressed
        page.kernelCounters = (try? inspector.counters()) ?? []
        page.listeners = listeners().filter { $0.address != nil }.map { ($0.name, $0.alive) }
        page.rules = captures().map { ($0.name ?? "", $0.counters) }
        let proxy = await surroundings.supervisor.status
        page.restarts = proxy.restarts
        page.draining = UInt64(proxy.draining.count)
        page.lastReplacementSucceeded = proxy.lastReplacement?.replaced
        page.statistics = await statistics()
        // The configuration's own come first, so that no flood of invented names takes their places; of these the governed.
        for model in whole(catalog).modelsBySlotOrder { _ = labels.label(for: model.name) }
        page.governed = governedPage()
        if let proxy = await routing() {
            page.routing = RoutingPage(view(proxy), routes: proxy.routes) { labels.label(for: $0) }
        }
        for entry in page.statistics?.models ?? [] {
            page.models[labels.label(for: entry.name), default: ModelCounters()] += entry.counters
        }
        for entry in page.statistics?.clients ?? [] {
            page.clients[clientLabels.label(for: entry.name), default: ClientCounters()] += entry.counters
        }
        page.identity = identityPage()
        page.cluster = clusterPage
        let engines = surroundings.engines
        page.sharing = SharingPage(
            queues: (await queueRecords() ?? []).filter { labels.label(for: $0.model) == $0.model },
            engines: await BackgroundThread.run("engine reports") { engines.reports },
            loads: surroundings.standings.all.values.compactMap { standing in
                standing.load.map { .init(key: standing.key, value: $0) }
            }.sorted { ($0.key.url, $0.key.address.description) < ($1.key.url, $1.key.address.description) })
        page.export = ExportPage(reports: surroundings.exports.reports, certificates: await certificateReports())
        return page
    }

    private func certificateReports() async -> [CertificateReport] {
        let (watch, catalog) = (certificates, catalog)
        return await BackgroundThread.run("certificates") { watch.reports(catalog) }
    }
}

extension Broker {
    private func identityPage() -> IdentityPage {
        IdentityPage(
            quotas: surroundings.accounts.quotas(QuotaSelection()), isSuspended: surroundings.accounts.fault != nil,
            staleCredentials: UInt64(surroundings.credentials.faults.count), auditLines: surroundings.audit.written,
            auditLost: surroundings.audit.lostLines)
    }

    /// Models that share a label with others are left out: levels and shares of several make no sum.
    private func governedPage() -> GovernedPage? {
        guard let models = try? groundwork.plane.qos.models() else { return nil }
        var page = GovernedPage()
        page.entries = models.filter { labels.label(for: $0.name) == $0.name }.map { .init(label: $0.name, qos: $0) }
        for (index, client) in catalog.clients.enumerated() { page.clients[UInt32(index + 1)] = client.name }
        page.ungoverned = UInt64(governed.without.count)
        page.isFaulty = governed.fault != nil
        page.add(groundwork.plane.inspector())
        return page
    }
}

extension StatusReport.Proxy {
    fileprivate init(_ status: ProxyStatus, _ numbers: ProxyStatistics?) {
        self.init()
        state = status.state
        pid = status.pid
        adopted = status.adopted
        restarts = status.restarts
        lastExit = status.lastExit
        guard let numbers else { return }
        uptimeMilliseconds = numbers.uptimeMilliseconds
        residentBytes = numbers.residentBytes
        descriptors = numbers.descriptors
        openConnections = numbers.openConnections
        acceptedCaptured = numbers.acceptedCaptured
        acceptedGateway = numbers.acceptedGateway
        withoutOrigin = numbers.withoutOrigin
        tagFailures = numbers.tagFailures
        opaque = numbers.opaque
        unnamed = numbers.unnamed
        refused = numbers.refused
    }
}
