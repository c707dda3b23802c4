internal import Admission
internal import Catalog
internal import Control

/// What people ask about clients.
extension Broker {
    func clients() async -> [ClientReport] {
        let numbers = await statistics()
        let activity = Dictionary((numbers?.clients ?? []).map { ($0.name, $0.counters) }) { first, _ in first }
        let keys = Dictionary(grouping: keyReports(), by: \.client)
        let quotas = Dictionary(grouping: surroundings.accounts.quotas(QuotaSelection())) { $0.client ?? "" }
        return catalog.clients.enumerated().map { index, client in
            ClientReport(
                client, number: UInt32(index + 1), keys: keys[client.name] ?? [],
                isAnonymous: catalog.authentication.anonymous == .client(client.name), limits: limits(client),
                quotas: quotas[client.name] ?? [],
                activity: activity[client.name].map { ClientReport.Activity($0) })
        }
    }

    /// - Throws: when it selects by a name that nobody has.
    func check(_ selection: QuotaSelection) throws(AgentError) {
        if let client = selection.client, !catalog.clients.contains(where: { $0.name == client }) {
            throw AgentError("there is no client \(client)")
        }
        if let model = selection.model, !whole(catalog).models.contains(where: { $0.name == model }) {
            throw AgentError("there is no model \(model)")
        }
        if let period = selection.period, !Quota.Period.allCases.contains(where: { "\($0)" == period }) {
            throw AgentError("a quota's period is day or month")
        }
    }

    private func limits(_ client: Client) -> [LimitReport] {
        var limits = reports(client.allowance, of: .client(client.name), model: nil)
        for (model, allowance) in client.modelAllowances.sorted(by: { $0.key < $1.key }) {
            limits += reports(allowance, of: .pair(client: client.name, model: model), model: model)
        }
        if let session = client.perSession {
            limits += LimitReport.plain(session.allowance, prefix: "session.", all: true)
            if let lifetime = session.lifetimeRequests {
                limits.append(LimitReport(kind: "session.lifetime-requests", limit: "\(lifetime)"))
            }
        }
        if let address = client.perAddress { limits += LimitReport.plain(address, prefix: "address.", all: true) }
        return limits
    }

    /// Those that accounts are kept of, with what is left, and then the others.
    private func reports(_ allowance: Allowance, of subject: AccountKey.Subject, model: String?) -> [LimitReport] {
        let now = Clocks.monotonic()
        let counted = allowance.measures.compactMap { measure -> LimitReport? in
            guard let rate = allowance.rate(measure) else { return nil }
            var report = LimitReport(model: model, kind: measure.kind, limit: "\(rate)")
            guard let (slot, page) = surroundings.accounts.reading(AccountKey(subject, measure)) else { return report }
            if let limit = Limit(measure, of: allowance) { report.left = page.level(slot, limit, now: now)?.remaining }
            let reading = page.read(slot)
            (report.admitted, report.refused) = (reading?.admitted, reading?.refused)
            return report
        }
        return counted + LimitReport.plain(allowance, model: model)
    }
}

extension LimitReport {
    /// The limits that no account is kept of; `all`: also those that usually have one.
    fileprivate static func plain(
        _ allowance: Allowance, model: String? = nil, prefix: String = "", all: Bool = false
    ) -> [LimitReport] {
        var limits: [LimitReport] = []
        if all {
            limits = allowance.measures.compactMap { measure in
                allowance.rate(measure).map { LimitReport(model: model, kind: prefix + measure.kind, limit: "\($0)") }
            }
        }
        let plain: [(String, UInt64?)] = [
            ("concurrent", allowance.concurrent), ("request-bytes", allowance.requestBytes),
            ("tokens-per-request", allowance.tokensPerRequest),
        ]
        return limits
            + plain.compactMap { kind, value in
                value.map { LimitReport(model: model, kind: prefix + kind, limit: "\($0)") }
            }
    }
}

extension Allowance {
    /// nil: none, or a quota.
    func rate(_ measure: AccountKey.Measure) -> Rate? {
        switch measure {
        case .requests: requests
        case .tokens: tokens
        case .inputTokens: inputTokens
        case .outputTokens: outputTokens
        case .quota: nil
        }
    }
}

extension AccountKey.Measure {
    fileprivate var kind: String {
        switch self {
        case .requests: "requests"
        case .tokens: "tokens"
        case .inputTokens: "input-tokens"
        case .outputTokens: "output-tokens"
        case .quota(let period, let unit): "\(period).\(unit)"
        }
    }
}
