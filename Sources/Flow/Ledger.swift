package import Control
package import Identity
package import Routing
import Telemetry

/// One event loop's counts. Nothing here is shared; the loops' ledgers are summed when somebody asks.
package struct Ledger: Sendable {
    /// Names that are not in the catalogue and get a row of their own; later ones share the row `other`, since
    /// names come from callers and a row costs memory.
    package static let seenLimit = 1000

    private var names = NameTable()
    private var rows: [ModelCounters] = []
    /// Row of each model of the catalogue in force.
    private var catalogRows: [Int] = []
    private var seen = 0
    private var otherRow: Int?
    private var clientNames = NameTable()
    private var clientRows: [ClientCounters] = []
    /// Row of each client of the catalogue in force.
    private var catalogClients: [Int] = []

    /// Counts that belong to no model.
    package var totals = ProxyStatistics()

    package init() {}

    /// Takes up a new catalogue; rows of models and clients that were there before go on.
    package mutating func adopt(_ routes: RoutingTable, _ directory: ClientDirectory = ClientDirectory()) {
        catalogClients = (0..<directory.count).map { client in
            let name = Array(directory.name(client).utf8)
            return row(addingClient: name.span)
        }
        catalogRows = (0..<routes.modelCount).map { model in
            let name = Array(routes.name(model).utf8)
            return row(adding: name.span)
        }
    }

    /// The row of a model of the catalogue.
    func row(ofModel model: Int) -> Int { catalogRows[model] }

    /// The row of a name that the catalogue does not have; `isNew` the first time.
    mutating func row(seen name: Span<UInt8>) -> (row: Int, isNew: Bool) {
        if let row = names.find(name) { return (row, false) }
        if seen < Self.seenLimit {
            seen += 1
            return (row(adding: name), true)
        }
        if let otherRow { return (otherRow, false) }
        let other = Array("other".utf8)
        let row = row(adding: other.span)
        otherRow = row
        return (row, false)
    }

    subscript(row: Int) -> ModelCounters {
        get { rows[row] }
        _modify { yield &rows[row] }
    }

    /// The row of a client of the catalogue.
    func row(ofClient client: Int) -> Int { catalogClients[client] }

    subscript(client row: Int32) -> ClientCounters {
        get { clientRows[Int(row)] }
        _modify { yield &clientRows[Int(row)] }
    }

    /// Everything counted so far.
    package func statistics() -> ProxyStatistics {
        var statistics = totals
        let inCatalog = Set(catalogRows)
        statistics.models = rows.indices.map {
            .init(name: names.name($0), inCatalog: inCatalog.contains($0), counters: rows[$0])
        }
        statistics.clients = catalogClients.map { .init(name: clientNames.name($0), counters: clientRows[$0]) }
        return statistics
    }

    private mutating func row(addingClient name: Span<UInt8>) -> Int {
        let row = clientNames.insert(name)
        if row == clientRows.count { clientRows.append(ClientCounters()) }
        return row
    }

    private mutating func row(adding name: Span<UInt8>) -> Int {
        let row = names.insert(name)
        if row == rows.count { rows.append(ModelCounters()) }
        return row
    }
}
