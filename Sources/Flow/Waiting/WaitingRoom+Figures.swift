import Admission
import Catalog
package import Control
import Routing

extension WaitingRoom {
    /// Of each model, each group that has, or had, something there.
    package func records(now: UInt64) -> [QueueRecord] {
        change { state in
            takeTokens(&state, now, isForced: true)
            let figures = state.scheduler.figures(now: now)
            return state.models.sorted { $0.value.name < $1.value.name }.flatMap { number, model in
                records(number, model.name, figures.filter { $0.number == number }, state)
            }
        }
    }

    private func records(_ number: Int32, _ name: String, _ figures: [QueueFigures], _ state: State) -> [QueueRecord] {
        let limit = limit(number, state)
        var records: [QueueRecord] = []
        var weights: UInt64 = 0
        for group in state.groups.indices {
            var record = QueueRecord(model: name, group: state.groups[group].name)
            if let known = figures.first(where: { $0.group == record.group }) { record.take(known) }
            record.inFlight = shared.groupInFlight(number, group)
            record.immediate = shared.immediate(number, group)
            record.limit = limit == 0 ? nil : limit
            if record.inFlight + record.waiting > 0 { weights += UInt64(state.groups[group].weight) }
            records.append(record)
        }
        for group in records.indices where records[group].inFlight + records[group].waiting > 0 {
            records[group].entitlement = limit * 1000 * UInt64(state.groups[group].weight) / max(1, weights)
        }
        return records.filter(\.hasHistory)
    }
}

extension QueueRecord {
    fileprivate var hasHistory: Bool {
        inFlight + waiting + granted + immediate + full + expired + shed + left + tokens > 0
    }

    fileprivate mutating func take(_ figures: QueueFigures) {
        (waiting, bytes, oldest) = (figures.waiting, figures.bytes, figures.oldest)
        (granted, full, expired, shed, left) = (figures.granted, figures.full, figures.expired, figures.shed, figures.left)
        (tokens, tokenRate, waits) = (figures.tokens, figures.tokenRate, figures.waits)
    }
}
