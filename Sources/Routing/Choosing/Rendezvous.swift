import Glibc

/// Highest random weight hashing: each key has its own order of the endpoints, the same in every event loop, in which an
/// endpoint comes first for as many keys as its weight says; one that goes or comes moves only its own keys.
enum Rendezvous {
    /// How far behind `number` comes for `key`; lower is better.
    static func score(_ key: UInt64, _ number: EndpointNumber, weight: Double) -> Double {
        let hash = Hash.mix(key, UInt64(UInt32(bitPattern: number)))
        // Above 0 and below 1.
        let share = (Double(hash >> 11) + 0.5) / 9_007_199_254_740_992
        return -log(share) / max(weight, .leastNormalMagnitude)
    }
}
