package import Telemetry

/// What one group's requests get of one model, and what waits.
package struct QueueFigures: Hashable, Sendable {
    package var model: String
    /// The model's.
    package var number: Int32
    package var group: String
    package var inFlight: UInt64 = 0
    /// Slots of the model in all, as `next` was told last; 0: no limit, or not known.
    package var limit: UInt64 = 0
    /// Its part by weight among the groups that want something now, 0 to 1.
    package var fraction = 0.0
    package var waiting: UInt64 = 0
    package var bytes: UInt64 = 0
    /// Milliseconds that the oldest one has waited.
    package var oldest: UInt64 = 0
    package var granted: UInt64 = 0
    /// Those that `began` told of.
    package var immediate: UInt64 = 0
    package var full: UInt64 = 0
    package var expired: UInt64 = 0
    package var shed: UInt64 = 0
    package var left: UInt64 = 0
    package var tokens: UInt64 = 0
    /// Thousandths of tokens per second, over the last four seconds.
    package var tokenRate: UInt64 = 0
    package var waits = Histogram()

    /// Slots that are the group's, in thousandths.
    package func entitlement(limit: UInt64) -> UInt64 { UInt64(Double(limit) * fraction * 1000) }
}

extension Scheduler {
    /// By model and group, without those that never had anything to do with each other.
    package func figures(now: UInt64) -> [QueueFigures] {
        models.flatMap { model in
            let wants = groups.indices.map { model.tallies[$0].inFlight > 0 || waits($0, model) > 0 }
            let weights = groups.indices.reduce(0.0) { $0 + (wants[$1] ? Double(groups[$1].weight) : 0) }
            return groups.indices.compactMap { group -> QueueFigures? in
                var figures = figures(group, model, now)
                if wants[group] { figures.fraction = Double(groups[group].weight) / weights }
                return wants[group] || figures.hasHistory ? figures : nil
            }
        }
    }

    private func waits(_ group: Int, _ model: ModelQueue) -> Int {
        model.classes[group * 2].waiting + model.classes[group * 2 + 1].waiting
    }

    private func figures(_ group: Int, _ model: ModelQueue, _ now: UInt64) -> QueueFigures {
        var figures = QueueFigures(model: model.terms.name, number: model.terms.number, group: groups[group].name)
        let tally = model.tallies[group]
        var tokenRate = tally.tokenRate
        (figures.inFlight, figures.limit) = (tally.inFlight, model.limit)
        figures.waiting = UInt64(waits(group, model))
        figures.bytes = model.classes[group * 2].bytes + model.classes[group * 2 + 1].bytes
        figures.oldest = oldest(group, model).map { now > $0 ? (now - $0) / 1_000_000 : 0 } ?? 0
        (figures.granted, figures.immediate, figures.full) = (tally.granted, tally.immediate, tally.full)
        (figures.expired, figures.shed, figures.left) = (tally.expired, tally.shed, tally.left)
        (figures.tokens, figures.tokenRate) = (tally.tokens, UInt64(tokenRate.rate(at: now) * 1000))
        figures.waits = tally.waits
        return figures
    }

    /// Arrival of the oldest one that waits.
    private func oldest(_ group: Int, _ model: ModelQueue) -> UInt64? {
        var arrivals: [UInt64] = []
        for gate in model.gates {
            for cls in [group * 2, group * 2 + 1] {
                let first = lines.first(gates[Int(gate)].lines[cls].root)
                if first != ArrivalLines.none { arrivals.append(lines[first].arrival) }
            }
        }
        return arrivals.min()
    }
}

extension QueueFigures {
    fileprivate var hasHistory: Bool { granted + immediate + full + expired + shed + left + tokens > 0 }
}
