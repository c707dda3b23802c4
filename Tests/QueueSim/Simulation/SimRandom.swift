internal import Glibc

/// SplitMix64 (Steele, Lea and Flood, 2014): the same numbers for the same seed.
package struct SimRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// 0 to 1, never 0 itself.
    package mutating func unit() -> Double { (Double(next() >> 11) + 1) / 9_007_199_254_740_992 }

    /// Exponential, with this mean.
    package mutating func exponential(_ mean: Double) -> Double { -mean * log(unit()) }

    package mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(1, bound))) }
}
