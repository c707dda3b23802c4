internal import Catalog
internal import Control
internal import ControlCoding
private import Glibc
internal import Logging
internal import ServiceLifecycle
private import Synchronization
internal import Telemetry

/// Tells others what happens on this node: metrics by remote write and OTLP, spans by OTLP, events to a file, the standard
/// output and a webhook. All of it waits here, bounded, while its receiver is away; nothing of the data path waits for it.
final class ExportKeeper: Service {
    private struct State {
        var node = Node()
        var remoteWrite = SnapshotSchedule()
        var metrics = SnapshotSchedule()
        var outlets: [EventOutlet] = []
    }

    private let hub: EventHub
    private let logger: Logger
    private let snapshot: @Sendable () async -> MetricsPage?
    private let state = Mutex(State())
    private let host = ExportKeeper.hostName()
    private let remoteWrite = Courier("remote-write", .remoteWrite)
    private let metrics = Courier("otlp-metrics", .otlp)
    private let traces = Courier("otlp-traces", .otlp)
    private let webhook = Courier("events-webhook", .webhook)

    /// - Parameter snapshot: all metrics as they are now; nil: not yet.
    init(hub: EventHub, logger: Logger, snapshot: @escaping @Sendable () async -> MetricsPage?) {
        self.hub = hub
        self.logger = logger
        self.snapshot = snapshot
    }

    private static func hostName() -> String {
        var name = [UInt8](repeating: 0, count: 256)
        let result = name.withUnsafeMutableBytes { view in
            view.withMemoryRebound(to: CChar.self) { $0.baseAddress.map { gethostname($0, 255) } ?? -1 }
        }
        return result == 0 ? String(decoding: name.prefix { $0 != 0 }, as: UTF8.self) : "localhost"
    }

    // MARK: - What is wanted

    /// From now on this is what is told, and whom. What can't be done is said.
    func adopt(_ node: Node) {
        let old = state.withLock { state in
            defer { state.node = node }
            return state.node
        }
        do throws(SystemError) {
            if old.remoteWrite != node.remoteWrite { try adopt(node.remoteWrite) }
            if old.otlp != node.otlp { try adopt(node.otlp) }
            if old.events != node.events { try adopt(node.events) }
        } catch {
            logger.error("cannot tell others what happens here", metadata: ["reason": "\(error)"])
        }
    }

    private func adopt(_ export: RemoteWrite?) throws(SystemError) {
        state.withLock { $0.remoteWrite.adopt(export?.interval, now: Clocks.monotonic()) }
        let fields = [
            "Content-Type: application/x-protobuf", "Content-Encoding: snappy", "X-Prometheus-Remote-Write-Version: 0.1.0",
        ]
        try remoteWrite.use(
            export.flatMap { WebCall($0.target, fields) }, ParcelQueue.Terms(limit: export?.target.buffer ?? 0))
    }

    private func adopt(_ export: TelemetryExport?) throws(SystemError) {
        state.withLock { $0.metrics.adopt(export?.metrics, now: Clocks.monotonic()) }
        let fields = ["Content-Type: application/x-protobuf"]
        let limit = export?.target.buffer ?? 0
        let toMetrics = export?.metrics == nil ? nil : export?.target.appending("/v1/metrics")
        try metrics.use(toMetrics.flatMap { WebCall($0, fields) }, ParcelQueue.Terms(limit: limit))
        let toTraces = export?.traces == nil ? nil : export?.target.appending("/v1/traces")
        let origin = origin(export)
        try traces.use(
            toTraces.flatMap { WebCall($0, fields) },
            ParcelQueue.Terms(limit: limit, batchItems: 512, batchBytes: 1 << 20, wait: 1_000_000_000)
        ) { OTLP.request(origin, items: $0) }
    }

    private func adopt(_ sinks: EventSinks?) throws(SystemError) {
        var wanted: [EventOutlet.Sink] = []
        if let file = sinks?.file { wanted.append(.file(file)) }
        if sinks?.standardOutput == true { wanted.append(.standardOutput) }
        let (kept, gone) = state.withLock { state in
            let kept = state.outlets.filter { wanted.contains($0.sink) }
            let gone = state.outlets.filter { !wanted.contains($0.sink) }
            state.outlets = kept
            return (kept, gone)
        }
        for outlet in gone { outlet.end() }
        for sink in wanted where !kept.contains(where: { $0.sink == sink }) {
            let outlet = EventOutlet(sink)
            try outlet.start()
            state.withLock { $0.outlets.append(outlet) }
        }
        let terms = ParcelQueue.Terms(
            limit: sinks?.webhook?.target.buffer ?? 0, batchItems: UInt64(sinks?.webhook?.batch ?? 1),
            wait: UInt64(sinks?.webhook?.wait ?? 0) * 1_000_000, separator: [UInt8(ascii: ",")])
        let start = Array("{\"node\":\(AuditLine.text(host)),\"events\":[".utf8)
        try webhook.use(
            sinks?.webhook.flatMap { WebCall($0.target, ["Content-Type: application/json"]) }, terms
        ) { start + $0 + Array("]}\n".utf8) }
    }

    /// Who sends, as the conventions for resources have it; what the configuration says goes first.
    private func origin(_ export: TelemetryExport?) -> OTLP.Origin {
        let own = [
            ("host.name", host), ("service.instance.id", host), ("service.name", "modelbroker"),
            ("service.version", Version.current),
        ]
        let given = export?.attributes ?? []
        return OTLP.Origin(
            attributes: given.map { ($0.name, $0.value) }
                + own.filter { attribute in !given.contains { $0.name == attribute.0 } }.map { ($0.0, $0.1) },
            version: Version.current)
    }

    // MARK: - What is told

    /// Spans that the proxy made; what is none is not passed on.
    func take(spans bytes: [UInt8], count: UInt32) {
        guard let found = OTLP.count(ofItems: bytes), found == UInt64(count), found > 0 else { return }
        traces.add(bytes, items: found)
    }

    private func take(_ event: EventReport) {
        let (outlets, hasWebhook) = state.withLock { ($0.outlets, $0.node.events?.webhook != nil) }
        guard hasWebhook || !outlets.isEmpty, let line = try? ControlLine.encode(event) else { return }
        for outlet in outlets { outlet.add(line) }
        if hasWebhook { webhook.add(line.dropLast(), items: 1) }
    }

    /// Makes the snapshots that are due; called about once a second.
    func tick() async {
        let now = Clocks.monotonic()
        let (node, toRemoteWrite, toMetrics) = state.withLock { state in
            (state.node, state.remoteWrite.takeDue(now), state.metrics.takeDue(now))
        }
        guard toRemoteWrite || toMetrics, let page = await snapshot() else { return }
        let time = Int64(clamping: Clocks.epochMilliseconds())
        if toRemoteWrite, let export = node.remoteWrite {
            var messages = RemoteWriteMessages(timestamp: time, labels: labels(export))
            page.render(&messages)
            for message in messages.finish() { remoteWrite.add(message.body, items: message.samples) }
        }
        if toMetrics {
            var messages = OTLPMetrics(origin(node.otlp), timestamp: time)
            page.render(&messages)
            for message in messages.finish() { metrics.add(message.body, items: message.points) }
        }
    }

    /// What a scrape would give each series by itself; what the configuration says goes first.
    private func labels(_ export: RemoteWrite) -> [MetricLabel] {
        let own = [("job", "modelbroker"), ("instance", host)]
        let given = export.labels.map { ($0.name, $0.value) }
        return given + own.filter { label in !given.contains { $0.0 == label.0 } }
    }

    /// How each of them is doing; empty: nobody is told anything.
    var reports: [ExportReport] {
        let outlets = state.withLock { $0.outlets }
        return [remoteWrite, metrics, traces, webhook].compactMap(\.report) + outlets.map(\.report)
    }

    // MARK: - The service

    func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.tickOn() }
            group.addTask { await self.follow() }
            try? await gracefulShutdown()
            group.cancelAll()
        }
        await Farewell.wait(for: [remoteWrite, metrics, traces, webhook] + state.withLock { $0.outlets })
    }

    private func tickOn() async {
        while true {
            do { try await Task.sleep(for: .seconds(1)) } catch { return }
            await tick()
        }
    }

    /// Events as they happen. Who does not keep up is let go, and comes again.
    private func follow() async {
        var backlog = EventHub.kept
        while !Task.isCancelled {
            let subscription = hub.follow(last: backlog) {}
            backlog = 0
            for event in subscription.backlog { take(event) }
            for await event in subscription.events { take(event) }
            subscription.end()
        }
    }
}

extension WebTarget {
    /// The same server, further down.
    fileprivate func appending(_ path: String) -> WebTarget {
        var target = self
        while target.url.hasSuffix("/") { target.url.removeLast() }
        target.url += path
        return target
    }
}

extension WebCall {
    /// A request with which a server is told something, without its body; nil: the URL is none.
    ///
    /// - Parameter fields: lines of the head beside those of the configuration.
    fileprivate init?(_ target: WebTarget, _ fields: [String]) {
        guard let address = WebAddress(target.url) else { return nil }
        // What can't stand in a head is not sent in parts either.
        let own = target.headers.filter { header in
            header.value.reveal.utf8.allSatisfy { (0x20...0x7E).contains($0) }
        }
        self.init(
            method: "POST", address: address, caFile: target.caFile,
            headers: fields + own.map { "\($0.name): \($0.value.reveal)" }, timeout: UInt64(target.timeout) * 1_000_000,
            bodyLimit: nil)
    }
}
