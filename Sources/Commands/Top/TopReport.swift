/// A row of `top`: as many values as its tab has columns.
package struct TopRow: Hashable, Sendable {
    package let id: String
    package let values: [TopValue]
}

/// What `top` shows at one moment.
package struct TopReport: Sendable {
    /// Between the two looks that the rates are of; nil: there was one look only, and there are none.
    package var seconds: Double?
    package var rows: [TopTab: [TopRow]] = [:]
    package var totals = Totals()

    package struct Totals: Hashable, Sendable, Encodable {
        /// As `StatusReport` has it.
        package var proxy = ""
        package var uptimeMilliseconds: UInt64?
        package var connections: UInt64?
        package var requestsPerSecond = 0.0
        package var tokensPerSecond = 0.0
        package var refusedPerSecond = 0.0
        package var active: UInt64 = 0
        package var queued: UInt64 = 0

        package init() {}
    }

    package init() {}
}

extension TopReport: Encodable {
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(_ text: String) { stringValue = text }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { return nil }
    }

    package func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: Key.self)
        try fields.encodeIfPresent(seconds, forKey: Key("seconds"))
        try fields.encode(totals, forKey: Key("totals"))
        for tab in TopTab.allCases {
            guard let rows = rows[tab] else { continue }
            var list = fields.nestedUnkeyedContainer(forKey: Key(tab.rawValue))
            for row in rows {
                var values = list.nestedContainer(keyedBy: Key.self)
                for (column, value) in zip(tab.columns, row.values) { try values.encode(value, forKey: Key(column.key)) }
            }
        }
    }
}
