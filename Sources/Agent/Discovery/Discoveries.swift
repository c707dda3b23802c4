internal import Catalog
internal import Control
private import ControlCoding
internal import Logging
private import Synchronization

/// Takes in what servers say of their models, and tells of it.
final class Discoveries: Sendable {
    private struct State {
        var book = DiscoveryBook()
        /// What is wrong with a server's answers, by URL: said once.
        var complaints: [String: String] = [:]
    }

    private let state = Mutex(State())
    private let hub: EventHub
    private let logger: Logger
    /// Models have been registered, or are no more.
    private let changed: @Sendable () -> Void

    init(hub: EventHub, logger: Logger, changed: @escaping @Sendable () -> Void) {
        self.hub = hub
        self.logger = logger
        self.changed = changed
    }

    /// From now on this is the configuration, as the file says it.
    func adopt(_ catalog: Catalog) {
        state.withLock { state in
            state.book.adopt(catalog)
            state.complaints = state.complaints.filter { state.book.engine(of: $0.key) != nil }
        }
    }

    /// The catalogue with the models that are registered.
    func applied(to catalog: Catalog) -> Catalog { state.withLock { $0.book.applied(to: catalog) } }

    func take(_ outcome: Inquiry.Outcome, from url: String) {
        guard let engine = state.withLock({ $0.book.engine(of: url) }) else { return }
        switch outcome {
        case .replied(let reply) where reply.status == 200: take(reply.body, engine, from: url)
        case .replied(let reply): complain("status \(reply.status)", of: url)
        case .failed(let reason): complain(reason, of: url)
        case .connected, .unknown: break
        }
    }

    private func take(_ body: [UInt8], _ engine: Engine, from url: String) {
        let names: [String]
        do {
            names = try ModelListing.names(body, of: engine)
        } catch {
            return complain("its list of models cannot be read: \(error)", of: url)
        }
        let findings = state.withLock { state in
            state.complaints[url] = nil
            return state.book.take(names, from: url)
        }
        for finding in findings { announce(finding) }
        if findings.contains(where: \.isRegistered) { changed() }
    }

    private func announce(_ finding: DiscoveryBook.Finding) {
        let note = finding.isRegistered ? finding.isNew ? ": registered" : ": no longer registered" : ""
        hub.publish(
            EventReport(
                time: Timestamp.now(), kind: finding.isNew ? .modelFound : .modelLost, model: finding.model,
                detail: finding.url + note))
    }

    private func complain(_ reason: String, of url: String) {
        guard state.withLock({ $0.complaints.updateValue(reason, forKey: url) }) != reason else { return }
        logger.notice("an endpoint does not say which models it has", metadata: ["endpoint": "\(url)", "reason": "\(reason)"])
    }
}
