internal import Control

/// The rows of each tab, in the order of its columns.
extension TopMeter {
    mutating func models(_ snapshot: TopSnapshot, _ totals: inout TopReport.Totals) -> [TopRow] {
        let queues = Dictionary(grouping: snapshot.groups.flatMap(\.queues), by: \.model)
        return snapshot.models.map { model in
            let lines = queues[model.name] ?? []
            let waiting = lines.reduce(0) { $0 &+ $1.waiting }
            let turnedAway = lines.reduce(0) { $0 &+ $1.full &+ $1.expired &+ $1.shed }
            let (requests, history) = trend("model \(model.name)", model.requests)
            let tokens = rate("tokens \(model.name)", model.tokens)
            let refused = rate(
                "refused \(model.name)",
                model.rateLimited &+ model.tokenLimited &+ model.accessRefused &+ turnedAway)
            let failed = rate("failed \(model.name)", model.status5xx &+ model.broken)
            let times = quantiles(model)
            totals.requestsPerSecond += requests
            totals.tokensPerSecond += tokens
            totals.refusedPerSecond += refused
            totals.active &+= model.active
            totals.queued &+= waiting
            return TopRow(
                id: model.name,
                values: [
                    .text(model.name), .rate(requests), .history(history), .rate(tokens), .latency(times.p50),
                    .latency(times.p95), .count(model.active), .count(waiting), .rate(refused), .rate(failed),
                    .count(model.requests),
                ])
        }
    }

    mutating func client(_ client: ClientReport) -> TopRow {
        let activity = client.activity
        let (requests, history) = trend("client \(client.name)", activity?.requests ?? 0)
        let tokens = rate("client tokens \(client.name)", (activity?.inputTokens ?? 0) &+ (activity?.outputTokens ?? 0))
        let refused = rate(
            "client refused \(client.name)", (activity?.refused ?? [:]).values.reduce(0) { $0 &+ $1 })
        let fullest = client.quotas.map { Double($0.used) / Double(max(1, $0.limit)) * 100 }.max()
        return TopRow(
            id: client.name,
            values: [
                .text(client.name), .text(client.group ?? ""), .rate(requests), .history(history), .rate(tokens),
                .count(activity?.active ?? 0), .rate(refused), fullest.map { .rate($0) } ?? .text(""),
                .count(activity?.requests ?? 0),
            ])
    }

    mutating func endpoint(_ endpoint: EndpointReport) -> TopRow {
        let id = "\(endpoint.model) \(endpoint.url ?? "") \(endpoint.address ?? "")"
        let (requests, history) = trend("endpoint \(id)", endpoint.requests)
        let failed = rate("endpoint failed \(id)", endpoint.failures)
        return TopRow(
            id: id,
            values: [
                .text(endpoint.url ?? ""), .text(endpoint.pool ?? endpoint.model), .text(endpoint.state.rawValue),
                .text(endpoint.reason ?? ""), .rate(requests), .history(history), .rate(failed),
                .room(endpoint.inFlight, of: endpoint.limit.map(UInt64.init)), .latency(endpoint.firstByteMeanMicroseconds),
                .text(endpoint.address ?? "unresolved"), .count(endpoint.requests),
            ])
    }

    mutating func queue(_ queue: QueueReport, of group: GroupReport) -> TopRow {
        let id = "\(group.name) \(queue.model)"
        let granted = rate("granted \(id)", queue.granted &+ queue.immediate)
        let refused = rate("queue refused \(id)", queue.full &+ queue.expired &+ queue.shed)
        return TopRow(
            id: id,
            values: [
                .text(group.name), .text(queue.model), .count(queue.waiting), .room(queue.inFlight, of: queue.limit),
                queue.entitlement.map { .rate($0) } ?? .text(""), .rate(queue.tokensPerSecond), .rate(granted),
                .rate(refused), .age(queue.oldestMilliseconds), .integer(Int64(group.priority)), .count(UInt64(group.weight)),
            ])
    }

    static func flow(_ flow: FlowReport) -> TopRow {
        TopRow(
            id: "\(flow.id)",
            values: [
                .count(flow.id), .text(flow.command), flow.pid.map { .count(UInt64($0)) } ?? .text(""),
                .text(flow.client), .text(flow.model), .text(flow.state), .text(flow.endpoint ?? ""), .count(flow.requests),
                .bytes(flow.bytesIn), .bytes(flow.bytesOut), .age(flow.ageMilliseconds), .text(flow.origin),
            ])
    }
}
