extension Scheduler {
    /// Nanoseconds after which there may be room for one more of the group and level.
    package mutating func retryAfter(model: Int32, group: Int, level: Int32, now: UInt64) -> UInt64 {
        guard let place = modelPlaces[model] else { return 1_000_000_000 }
        return models[place].retryAfter(rank: table[classOf(group, level)].rank, now: now)
    }
}
