package import Control

extension QuotaReport {
    /// What `modelbroker quota show` prints.
    package static func table(_ quotas: [QuotaReport], width: Int?) -> String {
        var table = Table([
            .init("client", shrinks: true), .init("model", shrinks: true), .init("per"), .init("unit"), .init("used", .right),
            .init("limit", .right), .init("%", .right), .init("alert at", .right), .init("then"), .init("begins again"),
        ])
        for quota in quotas {
            table.add([
                quota.client ?? "", quota.model ?? "", quota.period, quota.unit, quota.amount(quota.used),
                quota.amount(quota.limit), "\(quota.percent)", "\(quota.alertAt)%", quota.onExhausted, quota.resets,
            ])
        }
        return table.rendered(width: width)
    }

    /// `day.tokens of checkout for llama-70b`
    package var title: String {
        let owner = [client, client == nil ? model : model.map { "for \($0)" }].compactMap(\.self).joined(separator: " ")
        return "\(period).\(unit) of \(owner)"
    }

    /// `40% of day.tokens`
    package var useText: String { "\(percent)% of \(period).\(unit)" + (model.map { " for \($0)" } ?? "") }

    /// Of the limit, rounded down.
    package var percent: UInt64 {
        guard limit > 0 else { return 100 }
        let (product, isTooLarge) = used.multipliedReportingOverflow(by: 100)
        return isTooLarge ? used / max(1, limit / 100) : product / limit
    }

    private func amount(_ count: UInt64) -> String { unit == "cost" ? Units.money(millionths: count) : "\(count)" }
}

extension [QuotaReport] {
    /// The one of which most is used.
    package var fullest: QuotaReport? { self.max { $0.percent < $1.percent } }
}
