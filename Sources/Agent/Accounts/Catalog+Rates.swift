internal import Catalog

extension Catalog {
    /// The rates that accounts are kept of, by the account's name.
    var accountRates: [String: Rate] {
        var rates: [String: Rate] = [:]
        for client in clients {
            rates.add(client.allowance, of: .client(client.name))
            for (model, allowance) in client.modelAllowances {
                rates.add(allowance, of: .pair(client: client.name, model: model))
            }
        }
        for model in models { rates.add(model.allowance, of: .model(model.name)) }
        return rates
    }
}

extension [String: Rate] {
    fileprivate mutating func add(_ allowance: Allowance, of subject: AccountKey.Subject) {
        for measure in allowance.measures {
            if let rate = allowance.rate(measure) { self[AccountKey(subject, measure).text] = rate }
        }
    }
}
