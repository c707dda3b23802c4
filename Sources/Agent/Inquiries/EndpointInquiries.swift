internal import Catalog
internal import Control
internal import Logging
internal import ServiceLifecycle
private import Synchronization

/// Asks the endpoints of layer 7 how they are and what they have, and passes the answers on.
final class EndpointInquiries: Service {
    private let rules: Rules
    private let inquirer: Inquirer

    /// What the answers of each server mean.
    private final class Rules: Sendable {
        let byKey = Mutex<[EndpointKey: HealthRule]>([:])
    }

    init(standings: Standings, discoveries: Discoveries, logger: Logger) {
        let rules = Rules()
        self.rules = rules
        inquirer = Inquirer(logger: logger) { errand, outcome in
            guard let address = errand.address else { return discoveries.take(outcome, from: errand.url) }
            let key = EndpointKey(url: errand.url, address: address)
            guard let rule = rules.byKey.withLock({ $0[key] }) else { return }
            switch outcome {
            case .connected: standings.take(key, fault: nil)
            case .replied(let reply): standings.take(key, fault: rule.fault(status: reply.status))
            case .failed(let reason): standings.take(key, fault: reason)
            case .unknown: break
            }
        }
    }

    /// From now on these are asked.
    ///
    /// - Parameter catalog: with names resolved.
    func adopt(_ catalog: Catalog) {
        let health = catalog.healthErrands
        let keyed = health.compactMap { errand, _, rule in
            errand.address.map { (EndpointKey(url: errand.url, address: $0), rule) }
        }
        rules.byKey.withLock { $0 = Dictionary(keyed) { first, _ in first } }
        inquirer.watch(health.map { ($0.errand, $0.plan) } + catalog.discoveryErrands)
    }

    func run() async throws { try await inquirer.run() }
}
