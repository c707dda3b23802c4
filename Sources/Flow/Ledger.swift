package import Control
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

    /// Counts that belong to no model.
    package var totals = ProxyStatistics()

    package init() {}

    /// Takes up a new catalogue; rows of models that were there before go on.
    package mutating func adopt(_ routes: RoutingTable) {
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

    /// Everything counted so far.
    package func statistics() -> ProxyStatistics {
        var statistics = totals
        let inCatalog = Set(catalogRows)
        statistics.models = rows.indices.map {
            .init(name: names.name($0), inCatalog: inCatalog.contains($0), counters: rows[$0])
        }
        return statistics
    }

    private mutating func row(adding name: Span<UInt8>) -> Int {
        let row = names.insert(name)
        if row == rows.count { rows.append(ModelCounters()) }
        return row
    }
}
