import Testing

@testable import KernelPlane

@Suite struct CopiedCountsTests {
    private static let counts = CopiedCounts([
        .counters: [[1, 0, 0, 0]: [7, 0, 0, 0, 0, 0, 0, 0], [2, 0, 0, 0]: [1, 2, 3, 4, 5, 6, 7, 8]],
        .meters: [[UInt8](repeating: 9, count: 16): [UInt8](repeating: 3, count: 96)], .refusals: [:],
    ])

    @Test func areReadAsTheyWereWritten() {
        var expected = Self.counts
        // Of a map without entries nothing is said.
        expected.maps[.refusals] = nil
        #expect(CopiedCounts(Self.counts.bytes) == expected)
        #expect(CopiedCounts(Self.counts.bytes + [UInt8](repeating: 0, count: 1000)) == expected, "a map is longer")
        #expect(CopiedCounts([])?.maps == [:])
    }

    /// Whatever is pinned there: each byte another one, and each end too early.
    @Test func nonsenseIsTurnedDownOrRead() {
        let bytes = Self.counts.bytes
        for end in 1..<bytes.count - 1 {
            guard let read = CopiedCounts(Array(bytes[..<end])) else { continue }
            #expect(read.maps.count == 1, "only where a map ends")
        }
        for index in bytes.indices {
            for change: UInt8 in [1, 0x80, 0xff] {
                var other = bytes
                other[index] ^= change
                if let read = CopiedCounts(other) { #expect(read.maps.values.allSatisfy { $0.count <= bytes.count }) }
            }
        }
        let endless = Array("\u{8}counters".utf8) + [UInt8](repeating: 0xff, count: 12)
        #expect(CopiedCounts([1, 1]) == nil && CopiedCounts(endless) == nil)
    }
}
