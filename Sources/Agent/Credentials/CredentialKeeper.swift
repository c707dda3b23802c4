internal import Catalog
internal import Control
internal import Logging
internal import ServiceLifecycle
private import Synchronization

/// Reads and fetches what proves the broker to its callers and them to it, and keeps the last good one of each.
final class CredentialKeeper: Service {
    /// Fetched at a time.
    private static let width = 4

    private let state: Mutex<CredentialBook>
    private let hub: EventHub
    private let logger: Logger
    /// Nanoseconds for one fetch.
    private let timeout: UInt64
    private let fetch: @Sendable (WebCall) -> Inquiry.Outcome
    private let changed: @Sendable () -> Void
    private let stopped = Atomic<Bool>(false)

    /// - Parameters:
    ///   - timeout: nanoseconds for one fetch; `firstWait`: before the first repetition.
    ///   - fetch: blocks; called on threads of its own.
    ///   - changed: something is in force that was not before, or no more; called on any thread, without a lock.
    init(
        hub: EventHub, logger: Logger, timeout: UInt64 = 10_000_000_000,
        firstWait: UInt64 = CredentialBook.firstWait,
        fetch: @escaping @Sendable (WebCall) -> Inquiry.Outcome = CredentialKeeper.call,
        changed: @escaping @Sendable () -> Void
    ) {
        state = Mutex(CredentialBook(firstWait: firstWait))
        self.timeout = timeout
        self.hub = hub
        self.logger = logger
        self.fetch = fetch
        self.changed = changed
    }

    @Sendable private static func call(_ call: WebCall) -> Inquiry.Outcome {
        var trust = TLSTrust()
        return call.run(&trust)
    }

    /// Reads what a catalogue needs and is not known yet; what has to be fetched comes later. Those of the catalogue before
    /// stay, as it may have to come back.
    func adopt(_ catalog: Catalog) {
        let unknown = state.withLock { book in catalog.credentialSources.filter { book.isNew($0) } }
        for source in unknown { read(source, FileState.all(of: source)) }
    }

    /// The catalogue is in force: what only others need is forgotten.
    func settle(_ catalog: Catalog) { state.withLock { $0.keep(only: catalog.credentialSources) } }

    func credentials(for catalog: Catalog) -> Credentials { state.withLock { $0.credentials(for: catalog) } }

    var faults: [String] { state.withLock { $0.faults } }

    func run() async throws {
        try BackgroundThread.start("credentials") { self.work() }
        try? await gracefulShutdown()
        stopped.store(true, ordering: .relaxed)
    }

    private func work() {
        while !stopped.load(ordering: .relaxed) {
            look()
            Clocks.pause(milliseconds: 1000)
        }
    }

    /// Once a second.
    func look() {
        let sources = state.withLock { $0.sources }
        var isChanged = false
        for source in sources where !source.files.isEmpty {
            let files = FileState.all(of: source)
            guard state.withLock({ $0.isDue(source, files) }) else { continue }
            if read(source, files) { isChanged = true }
        }
        if isChanged { changed() }
        let now = Clocks.monotonic()
        for source in state.withLock({ $0.due(now, atMost: Self.width) }) { start(source) }
    }

    /// True if something else is in force now.
    @discardableResult
    private func read(_ source: CredentialSource, _ files: [FileState]) -> Bool {
        take(Result { () throws(CredentialFault) in try source.read() }, of: source, files)
    }

    private func start(_ source: CredentialSource) {
        do {
            try BackgroundThread.start("credentials of \(source.name)") { [self] in
                if take(fetched(source), of: source, isFetched: true) { changed() }
            }
        } catch {
            _ = take(.failure(CredentialFault(description: error.description)), of: source, isFetched: true)
        }
    }

    private func fetched(_ source: CredentialSource) -> Result<CredentialSource.Value?, CredentialFault> {
        guard case .keys(_, _, .url(let url, _, let caFile)) = source, let address = WebAddress(url) else {
            return .failure(CredentialFault(description: "no URL that can be asked"))
        }
        let call = WebCall(
            address: address, caFile: caFile, timeout: timeout, bodyLimit: CredentialSource.maximumBytes)
        switch fetch(call) {
        case .replied(let reply) where reply.status == 200:
            return Result { () throws(CredentialFault) in try source.keySet(reply.body) }
        case .replied(let reply):
            let note = (300..<400).contains(reply.status) ? " (redirections are not followed)" : ""
            return .failure(CredentialFault(description: "status \(reply.status)\(note)"))
        case .failed(let reason), .unknown(let reason): return .failure(CredentialFault(description: reason))
        case .connected: return .failure(CredentialFault(description: "no answer"))
        }
    }

    private func take(
        _ result: Result<CredentialSource.Value?, CredentialFault>, of source: CredentialSource,
        _ files: [FileState] = [], isFetched: Bool = false
    ) -> Bool {
        let (turn, isChanged) = state.withLock { book -> (CredentialBook.Turn?, Bool) in
            // It may have been forgotten while it was fetched.
            if isFetched, book.isNew(source) { return (nil, false) }
            let before = book.value(of: source)
            let turn = book.take(result, of: source, files: files, now: Clocks.monotonic())
            return (turn, book.value(of: source) != before)
        }
        if let turn { tell(turn) }
        return isChanged
    }

    private func tell(_ turn: CredentialBook.Turn) {
        let outcome =
            turn.fault.map { $0 + (turn.hasValue ? "; the last good one stays in use" : "; there is none so far") }
            ?? "the new one is in use"
        hub.publish(
            EventReport(
                time: Timestamp.now(), kind: turn.fault == nil ? .credentialsRenewed : .credentialsStale,
                reason: turn.source.name, detail: outcome))
        if turn.fault == nil {
            logger.notice("credentials are renewed", metadata: ["of": "\(turn.source.name)"])
        } else {
            logger.error("credentials can't be had", metadata: ["of": "\(turn.source.name)", "reason": "\(outcome)"])
        }
    }
}

extension FileState {
    static func all(of source: CredentialSource) -> [FileState] { source.files.map { FileState($0) } }
}

extension Catalog {
    /// Without the listeners that have nothing to show.
    func serving(_ credentials: Credentials) -> Catalog {
        let shown = Set(credentials.certificates.map(\.address))
        guard node.secureGateway.contains(where: { !shown.contains($0.address) }) else { return self }
        var catalog = self
        catalog.node.secureGateway = node.secureGateway.filter { shown.contains($0.address) }
        return catalog
    }
}
