/// What one of the shared counts of use is of: every limit that the configuration sets has one, which all event loops, and
/// the proxies that follow each other, charge together.
package struct AccountKey: Hashable, Sendable {
    package enum Subject: Hashable, Sendable {
        case client(String)
        case model(String)
        case pair(client: String, model: String)
    }

    package enum Measure: Hashable, Sendable {
        case requests
        case tokens
        case inputTokens
        case outputTokens
        case quota(Quota.Period, Quota.Unit)
    }

    package var subject: Subject
    package var measure: Measure

    package init(_ subject: Subject, _ measure: Measure) {
        self.subject = subject
        self.measure = measure
    }

    /// One line of text that is no other account's: `day.tokens client=checkout model=llama-70b`. Names have no spaces.
    package var text: String {
        switch subject {
        case .client(let client): "\(measureText) client=\(client)"
        case .model(let model): "\(measureText) model=\(model)"
        case .pair(let client, let model): "\(measureText) client=\(client) model=\(model)"
        }
    }

    private var measureText: String {
        switch measure {
        case .requests: "requests"
        case .tokens: "tokens"
        case .inputTokens: "input-tokens"
        case .outputTokens: "output-tokens"
        case .quota(let period, let unit): "\(period).\(unit)"
        }
    }
}

extension Catalog {
    /// The accounts that the configuration's limits need, each once, always in the same order.
    package var accounts: [AccountKey] {
        var keys: [AccountKey] = []
        for client in clients {
            keys += client.allowance.measures.map { AccountKey(.client(client.name), $0) }
            for (model, allowance) in client.modelAllowances.sorted(by: { $0.key < $1.key }) {
                keys += allowance.measures.map { AccountKey(.pair(client: client.name, model: model), $0) }
            }
        }
        for model in models { keys += model.allowance.measures.map { AccountKey(.model(model.name), $0) } }
        return keys
    }
}

extension Allowance {
    /// What of it is counted in shared accounts; `concurrent` lives as long as the process that has the requests.
    package var measures: [AccountKey.Measure] {
        var measures: [AccountKey.Measure] = []
        if requests != nil { measures.append(.requests) }
        if tokens != nil { measures.append(.tokens) }
        if inputTokens != nil { measures.append(.inputTokens) }
        if outputTokens != nil { measures.append(.outputTokens) }
        return measures + quotas.map { .quota($0.period, $0.unit) }
    }
}
