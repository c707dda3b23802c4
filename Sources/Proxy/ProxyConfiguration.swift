import Admission
import Catalog
import Control
import Flow
import Identity
import Routing
import TLS

/// A configuration as the event loops use it: shared, never changed.
final class ProxyConfiguration: Sendable {
    let generation: UInt64
    let catalog: Catalog
    let routes: RoutingTable
    let hostNetnsCookie: UInt64
    /// Which requests spans are made of; nil: of none.
    let tracing: Tracing?
    /// The models' limits, none of them read yet, and who may call them.
    let admission: AdmissionTable
    let access: AccessTable
    /// Which group each client is in, and how long its requests may wait.
    let shares: ShareTable
    /// Who there is, and what proves it.
    let directory: ClientDirectory
    /// How servers that are reached by https prove themselves.
    let terms: [EndpointTLS: TLSTerms]
    /// What secure listeners show, by address.
    let certificates: [SocketAddress: TLSServerContext]

    /// - Parameters:
    ///   - page: the kernel plane's entries; nil: there are none.
    ///   - routes: made of the catalogue of `settings`, as are the `allowances`.
    init(
        _ settings: ProxySettings, _ page: QoSPage?, routes: RoutingTable, terms: [EndpointTLS: TLSTerms],
        certificates: [SocketAddress: TLSServerContext] = [:], allowances: AllowanceTable = AllowanceTable()
    ) {
        generation = settings.generation
        catalog = settings.catalog
        self.routes = routes
        self.terms = terms
        self.certificates = certificates
        hostNetnsCookie = settings.hostNetnsCookie
        tracing = settings.tracing
        directory = ClientDirectory(settings.catalog, managed: settings.credentials.keys.map { ($0.client, $0.key) })
        admission = AdmissionTable(
            page, slots: settings.slots, models: settings.catalog.models.map(\.name), allowances: allowances)
        shares = ShareTable(settings.catalog)
        access = AccessTable(
            models: settings.catalog.models, clients: settings.catalog.clients, pools: settings.catalog.pools,
            capabilities: settings.catalog.capabilities)
    }

    /// The firewall, for one event loop.
    func firewall() throws(FirewallFault) -> Firewall? {
        guard !catalog.firewall.isEmpty else { return nil }
        return try Firewall(catalog.firewall, clients: catalog.clients.map(\.name))
    }

    /// The name of the client that the kernel plane knows by this number; empty: none.
    func clientName(_ number: UInt32) -> String {
        let index = Int(number) - 1
        return catalog.clients.indices.contains(index) ? catalog.clients[index].name : ""
    }

    func rule(_ number: UInt32) -> CaptureRule? {
        catalog.rules.indices.contains(Int(number)) ? catalog.rules[Int(number)] : nil
    }
}
