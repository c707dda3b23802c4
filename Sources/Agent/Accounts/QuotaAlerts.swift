internal import Admission
internal import Catalog
internal import Control

/// Which alerts are due, each once in a period: what was told stands in the journal's book. Pure.
enum QuotaAlerts {
    /// - Returns: what is to be told, and what is then written down of it.
    static func due(
        _ watch: QuotaWatch, _ word: QuotaWord, told: QuotaWord?, epoch: Int64
    ) -> (events: [EventReport.Kind], word: QuotaWord)? {
        let level = watch.level(word, epoch: epoch)
        // One of a later period, before a clock was set back, stands, too.
        let before = told.map { $0.period >= word.period ? $0.used : 0 } ?? 0
        guard level > before else { return nil }
        var events: [EventReport.Kind] = []
        if before < 1, watch.quota.alertAt > 0, watch.quota.alertAt < 100 { events.append(.quotaAlert) }
        if level == 2 { events.append(.quotaExhausted) }
        return (events, QuotaWord(period: word.period, used: level))
    }

    static func report(_ kind: EventReport.Kind, _ watch: QuotaWatch, _ word: QuotaWord, epoch: Int64) -> EventReport {
        let used = watch.used(word, epoch: epoch)
        let what =
            kind == .quotaExhausted
            ? "\(watch.title): all of \(watch.quota.limit) is used (\(used)); \(watch.quota.onExhausted.rawValue)"
            : "\(watch.title): \(used) of \(watch.quota.limit) is used, \(watch.quota.alertAt) % or more"
        return EventReport(
            time: Timestamp.now(), kind: kind, model: watch.model, client: watch.client,
            reason: "\(watch.quota.period).\(watch.quota.unit)", detail: what)
    }
}
