import Catalog
import Control
import Telemetry

extension Samples {
    /// What bounds a queue, with and without what may be missing.
    static var queues: [QueuePolicy] {
        [
            QueuePolicy(length: .max, bytes: .max, wait: 1, ageing: 2, order: .lifoUnderOverload, comments: 3),
            QueuePolicy(length: 0, bytes: 0, wait: 0, ageing: 0, comments: 0),
        ]
    }

    static var groups: [Group] {
        [
            Group(name: "gold", priority: .min, weight: .max, isReclaimable: false, delivery: .batch, queue: queues[0]),
            Group(name: "é", priority: .max, weight: 0, queue: queues[1]), Group(name: ""),
        ]
    }

    static var queueRecords: [QueueRecord] {
        var record = QueueRecord(model: "llama", group: "gold")
        record.inFlight = 1
        record.limit = 2
        record.entitlement = 3
        record.waiting = 4
        record.bytes = 5
        record.oldest = 6
        record.granted = 7
        record.immediate = 8
        record.full = 9
        record.expired = 10
        record.shed = 11
        record.left = 12
        record.tokens = 13
        record.tokenRate = .max
        for bucket in record.waits.counts.indices { record.waits.counts[bucket] = UInt64(100 + bucket) }
        record.waits.sum = 14
        var other = QueueRecord(model: "", group: "")
        other.limit = 0
        return [record, other]
    }
}
