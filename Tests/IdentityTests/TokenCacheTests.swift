import Identity
import Testing

@Suite struct TokenCacheTests {
    private func key(_ number: Int) -> TokenCache.Key {
        let token = Array("token \(number)".utf8)
        return TokenCache.Key(token.span)
    }

    @Test func findingsEnd() {
        var cache = TokenCache()
        cache.insert(key(1), .client(4, until: 10_000), epoch: 1_000)
        cache.insert(key(2), .client(5, until: 1_010), epoch: 1_000)
        cache.insert(key(3), .refused(.expired), epoch: 1_000)
        cache.insert(key(4), .client(6, until: 1_000), epoch: 1_000)
        #expect(cache.find(key(1), epoch: 1_299) == .client(4, until: 10_000) && cache.find(key(1), epoch: 1_300) == nil)
        #expect(cache.find(key(2), epoch: 1_009) == .client(5, until: 1_010) && cache.find(key(2), epoch: 1_010) == nil)
        #expect(cache.find(key(3), epoch: 1_004) == .refused(.expired) && cache.find(key(3), epoch: 1_005) == nil)
        #expect(cache.find(key(4), epoch: 1_000) == nil && cache.find(key(5), epoch: 1_000) == nil)
        cache.insert(key(1), .refused(.signature), epoch: 1_001)
        #expect(cache.find(key(1), epoch: 1_001) == .refused(.signature))
        cache.insert(key(1), .client(1, until: 1_001), epoch: 1_001)
        #expect(cache.find(key(1), epoch: 1_001) == nil, "what has ended is not even remembered as refused")
        cache.clear()
        #expect(cache.find(key(2), epoch: 1_001) == nil)
    }

    /// Refused because the clock was ahead, or let through because it was: neither outlives that.
    @Test func whatAWrongClockFoundEndsWithIt() {
        var cache = TokenCache()
        cache.insert(key(1), .refused(.expired), epoch: 90_000)
        cache.insert(key(2), .client(5, until: 100_000), epoch: 90_000)
        #expect(cache.find(key(1), epoch: 90_001) != nil && cache.find(key(2), epoch: 90_001) != nil)
        #expect(cache.find(key(1), epoch: 3_600) == nil && cache.find(key(2), epoch: 3_600) == nil)
        cache.insert(key(1), .client(4, until: 5_000), epoch: 3_600)
        #expect(cache.find(key(1), epoch: 3_601) == .client(4, until: 5_000))
    }

    /// Somebody who sends one wrong token after the other pushes out nobody who has a right one.
    @Test func wrongTokensDoNotPushOutRightOnes() {
        var cache = TokenCache(limit: 64)
        for number in 0..<1_000 { cache.insert(key(number), .client(number, until: 5_000), epoch: 1_000) }
        let kept = (0..<1_000).filter { cache.find(key($0), epoch: 1_000) != nil }
        #expect(kept.count == 64, "it is full and no fuller")
        #expect(kept.contains(999))
        for number in 1_000..<5_000 { cache.insert(key(number), .refused(.signature), epoch: 1_000) }
        #expect((0..<1_000).filter { cache.find(key($0), epoch: 1_000) != nil } == kept)
        for number in 5_000..<6_000 { cache.insert(key(number), .refused(.signature), epoch: 1_300) }
        #expect((5_000..<6_000).filter { cache.find(key($0), epoch: 1_300) != nil }.count == 64, "what has ended makes room")
    }
}
