/// A service group, who is in it, and what it gets of each model.
package struct GroupReport: Hashable, Sendable, Codable {
    package var name: String
    package var priority: Int32
    package var weight: UInt32
    package var isReclaimable: Bool
    /// `interactive` or `batch`.
    package var delivery: String
    package var clients: [String]
    package var queues: [QueueReport]

    package init(
        name: String, priority: Int32, weight: UInt32, isReclaimable: Bool, delivery: String, clients: [String],
        queues: [QueueReport]
    ) {
        self.name = name
        self.priority = priority
        self.weight = weight
        self.isReclaimable = isReclaimable
        self.delivery = delivery
        self.clients = clients
        self.queues = queues
    }
}

/// What a group's requests for a model get, and what waits.
package struct QueueReport: Hashable, Sendable, Codable {
    package var model: String
    package var group: String
    package var priority: Int32
    package var weight: UInt32
    package var inFlight: UInt64
    /// Slots of the model in all; nil: any number.
    package var limit: UInt64?
    /// Slots that are the group's by its weight among the groups that want some now, and what it has beyond that; nil where
    /// there is no limit.
    package var entitlement: Double?
    package var borrowed: Double?
    /// Its part of the tokens that all groups got of the model of late, 0 to 1; nil: nobody got any.
    package var share: Double?
    package var tokensPerSecond: Double
    package var tokens: UInt64
    package var waiting: UInt64
    package var bytes: UInt64
    package var oldestMilliseconds: UInt64
    package var granted: UInt64
    package var immediate: UInt64
    package var full: UInt64
    package var expired: UInt64
    package var shed: UInt64
    package var left: UInt64
    /// Of those that waited and got a slot: upper bounds of how long 50, 90 and 99 of 100 waited; nil: nobody did.
    package var waitP50Milliseconds: Double?
    package var waitP90Milliseconds: Double?
    package var waitP99Milliseconds: Double?
    /// `interactive` or `batch`, which comes behind every priority; nil: the agent does not say.
    package var delivery: String?

    /// - Parameter tokenRate: thousandths of tokens per second that all groups got of the model.
    package init(_ record: QueueRecord, priority: Int32, weight: UInt32, tokenRate: UInt64, delivery: String? = nil) {
        model = record.model
        group = record.group
        self.priority = priority
        self.weight = weight
        inFlight = record.inFlight
        limit = record.limit
        entitlement = record.limit == nil ? nil : Double(record.entitlement) / 1000
        borrowed = record.limit == nil ? nil : max(0, Double(record.inFlight) - Double(record.entitlement) / 1000)
        share = tokenRate == 0 ? nil : Double(record.tokenRate) / Double(tokenRate)
        tokensPerSecond = Double(record.tokenRate) / 1000
        tokens = record.tokens
        waiting = record.waiting
        bytes = record.bytes
        oldestMilliseconds = record.oldest
        granted = record.granted
        immediate = record.immediate
        full = record.full
        expired = record.expired
        shed = record.shed
        left = record.left
        self.delivery = delivery
    }
}

/// The server of an endpoint on demand.
package struct EngineReport: Hashable, Sendable, Codable {
    package var url: String
    package var models: [String]
    /// As `EnginePhase.text` has it.
    package var phase: String
    /// `exec`, `http` or `unit`.
    package var method: String
    package var pid: Int32?
    package var oneOf: String?
    package var starts: UInt64
    package var crashes: UInt64
    /// Why it failed last; nil: it did not.
    package var fault: String?
    package var retryMilliseconds: UInt64?

    package init(
        url: String, models: [String], phase: String, method: String, pid: Int32? = nil, oneOf: String? = nil,
        starts: UInt64 = 0, crashes: UInt64 = 0, fault: String? = nil, retryMilliseconds: UInt64? = nil
    ) {
        self.url = url
        self.models = models
        self.phase = phase
        self.method = method
        self.pid = pid
        self.oneOf = oneOf
        self.starts = starts
        self.crashes = crashes
        self.fault = fault
        self.retryMilliseconds = retryMilliseconds
    }
}

/// What a supervised engine wrote last.
package struct EngineLog: Hashable, Sendable, Codable {
    package var url: String
    package var lines: [String]
    /// Lines that were written before and are not kept.
    package var dropped: UInt64

    package init(url: String, lines: [String], dropped: UInt64) {
        self.url = url
        self.lines = lines
        self.dropped = dropped
    }
}
