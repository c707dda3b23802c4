/// Hashes that mean the same in every event loop and over reloads.
package enum Hash {
    /// FNV-1a of the bytes, mixed; never 0, which stands for nothing.
    package static func bytes(_ bytes: Span<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for index in bytes.indices { hash = (hash ^ UInt64(bytes[index])) &* 0x100_0000_01B3 }
        return max(1, mix(hash))
    }

    package static func text(_ text: String) -> UInt64 { bytes(text.utf8Span.span) }

    /// The finishing steps of SplitMix64: every bit of the result depends on every bit of `value`.
    static func mix(_ value: UInt64) -> UInt64 {
        var mixed = value
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    static func mix(_ first: UInt64, _ second: UInt64) -> UInt64 { mix(first ^ mix(second &+ 0x9E37_79B9_7F4A_7C15)) }
}
