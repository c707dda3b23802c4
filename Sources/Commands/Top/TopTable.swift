/// Rows in columns that fit a width: what matters least is left out, then the first column is cut.
struct TopTable {
    private static let gap = 2
    /// The first column keeps at least this much.
    private static let narrowest = 12
    private static let trend = 12

    let rows: [TopRow]
    private let columns: [(place: Int, column: TopColumn, width: Int)]

    /// - Parameter withTrends: false: there has been no time for one.
    init(_ columns: [TopColumn], _ rows: [TopRow], width: Int, withTrends: Bool = true) {
        self.rows = rows
        // A mark stands behind the header of the column that is sorted by.
        var fields = columns.enumerated().map { place, column in
            // A trend grows; its column does not.
            let least = column.key == "history" ? Self.trend : 0
            let widest = rows.reduce(least) { max($0, TopLine.width(of: Self.text($1.values[place]))) }
            return (place: place, column: column, width: max(widest, column.header.count + 1))
        }
        if !withTrends { fields.removeAll { $0.column.key == "history" } }
        while Self.total(fields) > width,
            let least = fields.filter({ $0.column.rank > 0 }).max(by: { $0.column.rank < $1.column.rank })
        {
            // The first column gives way before the last ones go.
            if fields[0].width - (Self.total(fields) - width) >= Self.narrowest, least.column.rank < 4 { break }
            fields.removeAll { $0.place == least.place }
        }
        if let first = fields.first {
            fields[0].width = min(first.width, max(Self.narrowest, first.width - (Self.total(fields) - width)))
        }
        self.columns = fields
    }

    private static func total(_ fields: [(place: Int, column: TopColumn, width: Int)]) -> Int {
        fields.reduce(0) { $0 + $1.width + gap } - gap
    }

    private static func text(_ value: TopValue) -> String {
        guard case .history(let rates) = value else { return value.text }
        return Sparkline.text(rates, width: trend)
    }

    func header(sort: String, isUpwards: Bool) -> TopLine {
        var line = TopLine()
        for (_, column, width) in columns {
            if line.width > 0 { line.add("  ") }
            let isSorted = column.key == sort
            let title = isSorted ? column.header + (isUpwards ? "▲" : "▼") : column.header
            line.add(title, isSorted ? .bold : .dim, field: width, right: column.isRight)
        }
        return line
    }

    func line(_ index: Int) -> TopLine {
        var line = TopLine()
        for (place, column, width) in columns {
            if line.width > 0 { line.add("  ") }
            let value = rows[index].values[place]
            line.add(Self.text(value), Self.style(value, column), field: width, right: column.isRight)
        }
        return line
    }

    /// Colours say what words and numbers say, too.
    static func style(_ value: TopValue, _ column: TopColumn) -> TopStyle {
        switch (column.key, value) {
        case (_, .history): .accent
        case ("refusedPerSecond", .rate(let rate)) where rate >= 0.05: .warning
        case ("failedPerSecond", .rate(let rate)) where rate >= 0.05: .bad
        case ("queued", .count(let count)) where count > 0, ("waiting", .count(let count)) where count > 0: .warning
        case ("state", .text("active")), ("state", .text("streaming")): .good
        case ("state", .text("standby")): .bad
        case ("state", .text("queued")): .warning
        case ("quotaPercent", .rate(let percent)) where percent >= 80: .warning
        default: .plain
        }
    }
}
