/// What `top` shows and how: changed by keys and by what the agent says, and by nothing else.
package struct TopState: Sendable {
    /// How a tab is looked at.
    package struct Look: Hashable, Sendable {
        package var sort: String
        package var isUpwards = false
        package var filter = ""
        /// The row chosen, by its id; nil: the first one.
        package var chosen: String?
    }

    package enum Effect: Hashable, Sendable { case none, quit, refresh, suspend, redraw }

    package static let intervals: [Double] = [0.2, 0.5, 1, 2, 5, 10, 30, 60]

    package private(set) var tab: TopTab
    package private(set) var looks: [TopTab: Look]
    package private(set) var report = TopReport()
    /// Seconds between two looks.
    package private(set) var interval: Double
    package private(set) var isPaused = false
    /// The filter is being written.
    package private(set) var isFiltering = false
    /// The row that fills the screen; nil: the list does.
    package private(set) var detail: String?
    package private(set) var showsHelp = false
    /// Why there is nothing new; nil: there is.
    package private(set) var away: String?
    package private(set) var hasReport = false
    /// Rows that fit on the screen, as the last drawing found: how far a page goes.
    package var pageSize = 10

    package init(tab: TopTab = .models, interval: Double = 1, sort: String? = nil) {
        self.tab = tab
        self.interval = interval
        looks = Dictionary(uniqueKeysWithValues: TopTab.allCases.map { ($0, Look(sort: $0.firstSort)) })
        if let sort { looks[tab]?.sort = sort }
    }

    package var look: Look { looks[tab] ?? Look(sort: tab.firstSort) }

    /// Flows are asked for only where they are seen.
    package var wantsFlows: Bool { tab == .flows || detail != nil }

    // MARK: - What the agent says

    package mutating func take(_ report: TopReport) {
        away = nil
        hasReport = true
        self.report = report
    }

    package mutating func lose(_ reason: String) { away = reason }

    // MARK: - Rows

    /// Those of a tab that the filter leaves, in their order.
    package var rows: [TopRow] { sorted(filtered(report.rows[tab] ?? [])) }

    package var chosenIndex: Int {
        let rows = rows
        return rows.firstIndex { $0.id == look.chosen } ?? 0
    }

    package var detailRow: TopRow? { detail.flatMap { id in report.rows[tab]?.first { $0.id == id } } }

    private func filtered(_ rows: [TopRow]) -> [TopRow] {
        let wanted = look.filter.lowercased()
        guard !wanted.isEmpty else { return rows }
        return rows.filter { row in
            row.values.contains { if case .text(let text) = $0 { text.lowercased().contains(wanted) } else { false } }
        }
    }

    private func sorted(_ rows: [TopRow]) -> [TopRow] {
        let look = look
        guard let column = tab.columns.firstIndex(where: { $0.key == look.sort }) else { return rows }
        return rows.sorted { left, right in
            let (one, other) = (left.values[column], right.values[column])
            if one.isLess(than: other) { return look.isUpwards }
            if other.isLess(than: one) { return !look.isUpwards }
            return left.id < right.id
        }
    }

    // MARK: - Keys

    package mutating func press(_ key: TopKey) -> Effect {
        switch key {
        case .interrupt: return .quit
        case .suspend: return .suspend
        case .redraw: return .redraw
        default: break
        }
        if isFiltering { return edit(key) }
        if showsHelp {
            showsHelp = false
            return .none
        }
        switch key {
        case .character(let character): return press(character)
        case .tab: return turn(by: 1)
        case .backTab: return turn(by: -1)
        case .left: sort(by: -1)
        case .right: sort(by: 1)
        case .enter: return open()
        case .escape: return back()
        default: move(key)
        }
        return .none
    }

    private mutating func press(_ character: Character) -> Effect {
        switch character {
        case "q": return .quit
        case "h", "?": showsHelp = true
        case "<", ",": sort(by: -1)
        case ">", ".": sort(by: 1)
        case "r": looks[tab]?.isUpwards.toggle()
        case "/": isFiltering = detail == nil
        case "p", " ":
            isPaused.toggle()
            return isPaused ? .none : .refresh
        case "+", "=": changeInterval(by: 1)
        case "-", "_": changeInterval(by: -1)
        case "k": move(.up)
        case "j": move(.down)
        case "g": move(.home)
        case "G": move(.end)
        default:
            guard let number = character.wholeNumberValue, TopTab.allCases.indices.contains(number - 1) else { break }
            return show(TopTab.allCases[number - 1])
        }
        return .none
    }

    private mutating func edit(_ key: TopKey) -> Effect {
        switch key {
        case .enter: isFiltering = false
        case .escape:
            isFiltering = false
            looks[tab]?.filter = ""
        case .backspace: _ = looks[tab]?.filter.popLast()
        case .character(let character): if look.filter.count < 64 { looks[tab]?.filter.append(character) }
        default: move(key)
        }
        return .none
    }

    private mutating func turn(by step: Int) -> Effect {
        let all = TopTab.allCases
        let place = (all.firstIndex(of: tab) ?? 0) + step
        return show(all[(place + all.count) % all.count])
    }

    private mutating func show(_ tab: TopTab) -> Effect {
        self.tab = tab
        detail = nil
        return tab == .flows && report.rows[.flows] == nil ? .refresh : .none
    }

    private mutating func open() -> Effect {
        guard detail == nil else { return .none }
        let rows = rows
        guard !rows.isEmpty else { return .none }
        detail = rows[chosenIndex].id
        return .refresh
    }

    /// Out of what was entered last: a row, then the filter.
    private mutating func back() -> Effect {
        if detail != nil { detail = nil } else { looks[tab]?.filter = "" }
        return .none
    }

    private mutating func sort(by step: Int) {
        let keys = tab.columns.map(\.key)
        let place = (keys.firstIndex(of: look.sort) ?? 0) + step
        looks[tab]?.sort = keys[(place + keys.count) % keys.count]
    }

    private mutating func changeInterval(by step: Int) {
        let nearest = Self.intervals.firstIndex { $0 >= interval } ?? Self.intervals.count - 1
        interval = Self.intervals[min(max(0, nearest + step), Self.intervals.count - 1)]
    }

    private mutating func move(_ key: TopKey) {
        let rows = rows
        guard detail == nil, !rows.isEmpty else { return }
        let page = max(1, pageSize - 1)
        let place: Int
        switch key {
        case .up: place = chosenIndex - 1
        case .down: place = chosenIndex + 1
        case .pageUp: place = chosenIndex - page
        case .pageDown: place = chosenIndex + page
        case .home: place = 0
        case .end: place = rows.count - 1
        default: return
        }
        looks[tab]?.chosen = rows[min(max(0, place), rows.count - 1)].id
    }
}
