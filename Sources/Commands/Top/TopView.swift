/// Makes the screen of a state: as many lines as the terminal has at most, none wider than it.
package struct TopView {
    private let state: TopState
    private let size: TopSize

    package init(_ state: TopState, _ size: TopSize) {
        self.state = state
        self.size = size
    }

    /// Rows of a list that fit on such a screen.
    package static func pageSize(_ size: TopSize) -> Int { max(1, size.lines - 4) }

    package var lines: [TopLine] {
        let body = state.showsHelp ? TopHelp.lines : state.detail != nil ? TopDetail(state, size).lines : list
        let room = max(0, size.lines - 3)
        let shown = Array(body.prefix(room)) + Array(repeating: TopLine(), count: max(0, room - body.count))
        return ([summary, tabs] + shown + [footer]).prefix(max(1, size.lines)).map { $0.fitted(to: size.columns) }
    }

    // MARK: - Around

    private var summary: TopLine {
        let totals = state.report.totals
        var line = TopLine("modelbroker ", .bold)
        if let away = state.away {
            line.add("agent away", .bad)
            line.add(": \(away.printable)")
            return line
        }
        guard state.hasReport else {
            line.add("asking the agent …", .dim)
            return line
        }
        line.add("proxy ")
        line.add(totals.proxy, totals.proxy == "running" ? .good : .bad)
        let figures: [(String, String)] = [
            ("req/s", TopValue.rateText(totals.requestsPerSecond)), ("tok/s", TopValue.rateText(totals.tokensPerSecond)),
            ("active", "\(totals.active)"), ("queued", "\(totals.queued)"),
            ("refused/s", TopValue.rateText(totals.refusedPerSecond)),
            ("conn", totals.connections.map { "\($0)" } ?? Units.absent),
            ("up", totals.uptimeMilliseconds.map(Units.duration(milliseconds:)) ?? Units.absent),
        ]
        for (name, value) in figures {
            line.add("  \(name) ", .dim)
            line.add(value, .bold)
        }
        return line
    }

    private var tabs: TopLine {
        var line = TopLine()
        for (index, tab) in TopTab.allCases.enumerated() {
            line.add(" \(index + 1) \(tab.title) ", tab == state.tab ? .reverse : .plain)
            line.add(" ")
        }
        if state.isPaused { line.add(" paused ", .warning) }
        return line
    }

    private var footer: TopLine {
        if state.isFiltering {
            var line = TopLine("filter: ", .bold)
            line.add(state.look.filter.printable)
            line.add("_", .reverse)
            line.add("  Enter keeps it, Esc clears it", .dim)
            return line
        }
        let keys =
            state.detail == nil
            ? "q quit  Tab next  </> sort  r reverse  / filter  Enter open  p pause  +/- interval  ? help"
            : "Esc back  q quit  p pause  +/- interval"
        var line = TopLine(keys, .dim)
        line.add("  every \(TopValue.rateText(state.interval)) s", .dim)
        if !state.look.filter.isEmpty { line.add("  filter: \(state.look.filter.printable)", .warning) }
        return line
    }

    // MARK: - The list

    private var list: [TopLine] {
        let table = TopTable(state.tab.columns, state.rows, width: size.columns)
        let height = Self.pageSize(size)
        let chosen = state.chosenIndex
        let first = max(0, min(chosen - height / 2, table.rows.count - height))
        var lines = [table.header(sort: state.look.sort, isUpwards: state.look.isUpwards)]
        if table.rows.isEmpty { lines.append(TopLine(empty, .dim)) }
        for index in table.rows.indices.dropFirst(first).prefix(height) {
            let line = table.line(index)
            lines.append(index == chosen ? line.restyled(.reverse).fitted(to: size.columns, fills: true) : line)
        }
        return lines
    }

    private var empty: String {
        if !state.hasReport { return "" }
        if !state.look.filter.isEmpty { return "nothing here has \(state.look.filter.printable) in it" }
        return state.report.rows[state.tab] == nil ? "the proxy does not answer" : "none"
    }
}

/// What the keys do.
enum TopHelp {
    private static let keys: [(String, String)] = [
        ("1 … 5, Tab", "models, clients, endpoints, flows, groups"), ("up, down, k, j", "choose a row"),
        ("PgUp, PgDn, Home, End", "by the page; the first, the last"), ("Enter", "all about the row, and what belongs to it"),
        ("Esc", "back; clears the filter"), ("<  >, left, right", "sort by another column"), ("r", "the other way round"),
        ("/", "only rows that have a text"), ("p, Space", "pause"), ("+  -", "look less often, more often"),
        ("Ctrl-L", "draw anew"), ("q, Ctrl-C", "quit"),
    ]

    static var lines: [TopLine] {
        [TopLine()]
            + keys.map { keys, meaning in
                var line = TopLine("  ")
                line.add(keys, .bold, field: 24)
                line.add(meaning)
                return line
            } + [TopLine(), TopLine("  any key goes on", .dim)]
    }
}
