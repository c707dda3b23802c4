internal import Admission
internal import Catalog
internal import Control

/// A quota of the configuration, with the account that it is counted in.
struct QuotaWatch: Hashable, Sendable {
    /// As it stands in the page of accounts and in the journal.
    let name: String
    let slot: UInt32
    /// nil: the model's own; the client's of all models.
    let client: String?
    let model: String?
    let quota: Quota

    /// The name under which it is kept what was told of it.
    var alertName: String { name + AccountNames.alertSuffix }

    /// What is used in the period that has `epoch`, or in a later one that the word is of.
    func used(_ word: QuotaWord, epoch: Int64) -> UInt64 { word.used(in: PeriodClock.number(quota.period, at: epoch)) }

    func report(_ word: QuotaWord, epoch: Int64) -> QuotaReport {
        let period = max(word.period, PeriodClock.number(quota.period, at: epoch))
        let end = PeriodClock.end(quota.period, period)
        return QuotaReport(
            client: client, model: model, period: "\(quota.period)", unit: "\(quota.unit)", limit: quota.limit,
            used: used(word, epoch: epoch), alertAt: quota.alertAt, onExhausted: quota.onExhausted.rawValue,
            resets: Timestamp.text(seconds: Int(end), milliseconds: 0))
    }

    /// How far it has come: 0, 1 from where its owner wants to hear of it, 2 at its end.
    func level(_ word: QuotaWord, epoch: Int64) -> UInt64 {
        let used = used(word, epoch: epoch)
        guard used > 0, quota.limit > 0 else { return 0 }
        if used >= quota.limit { return 2 }
        guard quota.alertAt > 0 else { return 0 }
        // used / limit >= alertAt / 100
        let (part, whole) = (used.multipliedFullWidth(by: 100), quota.limit.multipliedFullWidth(by: UInt64(quota.alertAt)))
        return (part.high, part.low) >= (whole.high, whole.low) ? 1 : 0
    }

    func matches(_ selection: QuotaSelection) -> Bool {
        (selection.client == nil || selection.client == client) && (selection.model == nil || selection.model == model)
            && (selection.period == nil || selection.period == "\(quota.period)")
    }

    /// `client checkout, model llama: day.tokens`
    var title: String {
        let whose = [client.map { "client \($0)" }, model.map { "model \($0)" }].compactMap(\.self).joined(separator: ", ")
        return "\(whose): \(quota.unit) of the \(quota.period)"
    }
}

extension Catalog {
    /// The quotas, each with its account's slot.
    ///
    /// - Parameter slots: of `accounts`, in their order.
    func quotas(_ slots: [UInt32]) -> [QuotaWatch] {
        let allowances = allowances
        return zip(accounts, slots).compactMap { key, slot in
            guard case .quota(let period, let unit) = key.measure, slot > 0,
                let quota = allowances[key.subject]?.quotas.first(where: { $0.period == period && $0.unit == unit })
            else { return nil }
            let (client, model) = key.subject.names
            return QuotaWatch(
                name: AccountPage.stored(key.text), slot: slot, client: client, model: model, quota: quota)
        }
    }

    private var allowances: [AccountKey.Subject: Allowance] {
        var allowances: [AccountKey.Subject: Allowance] = [:]
        for client in clients {
            allowances[.client(client.name)] = client.allowance
            for (model, allowance) in client.modelAllowances {
                allowances[.pair(client: client.name, model: model)] = allowance
            }
        }
        for model in models { allowances[.model(model.name)] = model.allowance }
        return allowances
    }
}

extension AccountKey.Subject {
    var names: (client: String?, model: String?) {
        switch self {
        case .client(let client): (client, nil)
        case .model(let model): (nil, model)
        case .pair(let client, let model): (client, model)
        }
    }
}
