/// All of one row, its rate over time, and the rows of other tabs that belong to it.
struct TopDetail {
    private static let graphHeight = 6

    private let state: TopState
    private let size: TopSize

    init(_ state: TopState, _ size: TopSize) {
        self.state = state
        self.size = size
    }

    var lines: [TopLine] {
        guard let row = state.detailRow else { return [TopLine(), TopLine("It is gone.", .warning)] }
        var lines = [TopLine()]
        for (column, value) in zip(state.tab.columns, row.values) {
            if case .history = value { continue }
            var line = TopLine("  ")
            line.add(column.header.lowercased(), .dim, field: 12)
            line.add("  ")
            line.add(value.text, column == state.tab.columns.first ? .bold : TopTable.style(value, column))
            lines.append(line)
        }
        lines += graph(row)
        for (tab, rows) in related(row) where !rows.isEmpty { lines += table(tab, rows) }
        return lines
    }

    private func graph(_ row: TopRow) -> [TopLine] {
        let histories = row.values.compactMap { value -> [Double]? in if case .history(let rates) = value { rates } else { nil } }
        guard let history = histories.first, !history.isEmpty else { return [] }
        let most = TopValue.rateText(history.max() ?? 0)
        var lines = [TopLine(), TopLine("  requests a second, at most \(most)", .dim)]
        for text in Sparkline.rows(history, width: max(1, size.columns - 4), height: Self.graphHeight) {
            var line = TopLine("  ")
            line.add(text, .accent)
            lines.append(line)
        }
        return lines
    }

    private func related(_ row: TopRow) -> [(TopTab, [TopRow])] {
        guard let first = row.values.first?.text else { return [] }
        return switch state.tab {
        case .models:
            [
                (.endpoints, rows(.endpoints, "model", first)), (.groups, rows(.groups, "model", first)),
                (.flows, rows(.flows, "model", first)),
            ]
        case .clients: [(.flows, rows(.flows, "client", first))]
        case .endpoints: [(.flows, rows(.flows, "endpoint", value(row, "address")))]
        case .groups: [(.clients, rows(.clients, "group", first)), (.endpoints, rows(.endpoints, "model", value(row, "model")))]
        case .flows: [(.models, rows(.models, "model", value(row, "model")))]
        }
    }

    private func value(_ row: TopRow, _ key: String) -> String {
        guard let place = state.tab.columns.firstIndex(where: { $0.key == key }) else { return "" }
        return row.values[place].text
    }

    private func rows(_ tab: TopTab, _ key: String, _ text: String) -> [TopRow] {
        guard let place = tab.columns.firstIndex(where: { $0.key == key }), text != Units.absent else { return [] }
        return (state.report.rows[tab] ?? []).filter { $0.values[place].text == text }
    }

    private func table(_ tab: TopTab, _ rows: [TopRow]) -> [TopLine] {
        let table = TopTable(tab.columns, rows, width: size.columns)
        return [TopLine(), TopLine("\(tab.title) (\(rows.count))", .bold), table.header(sort: "", isUpwards: false)]
            + rows.indices.map { table.line($0) }
    }
}
