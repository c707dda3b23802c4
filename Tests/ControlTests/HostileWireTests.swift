import Control
import Testing

/// Whatever arrives is a message or an error: never a trap, never a second reading of the same message.
@Suite struct HostileWireTests {
    /// Decodes both ways; a message must encode to the very bytes that it came from.
    private func check(_ bytes: [UInt8]) -> Bool {
        if let message = try? AgentMessage(decoding: bytes), message.encoded() != bytes { return false }
        if let message = try? ProxyMessage(decoding: bytes), message.encoded() != bytes { return false }
        return true
    }

    private var encodings: [[UInt8]] { Samples.agentMessages.map { $0.encoded() } + Samples.proxyMessages.map { $0.encoded() } }

    /// All of a message's places, of a long one as many as a test has time for: what decodes a thousand bytes anew for each of them
    /// takes its time, and long messages are long by having the same many times.
    private func places(_ bytes: [UInt8]) -> StrideTo<Int> {
        // No power of two, so that it does not fall into step with the values.
        stride(from: 0, to: bytes.count, by: bytes.count < 600 ? 1 : bytes.count / 600 * 2 + 1)
    }

    @Test func prefixesAreRefused() {
        for bytes in encodings {
            for count in places(bytes) {
                let prefix = Array(bytes[..<count])
                #expect(throws: WireError.self) { try AgentMessage(decoding: prefix) }
                #expect(throws: WireError.self) { try ProxyMessage(decoding: prefix) }
            }
        }
    }

    @Test func trailingBytesAreRefused() {
        for bytes in encodings {
            #expect(throws: WireError.self) { try AgentMessage(decoding: bytes + [0]) }
            #expect(throws: WireError.self) { try ProxyMessage(decoding: bytes + [0]) }
        }
    }

    @Test func mutationsAreRefusedOrOtherMessages() {
        for bytes in encodings {
            for index in places(bytes) {
                var mutated = bytes
                for bit in 0..<8 {
                    mutated[index] = bytes[index] ^ (1 << UInt8(bit))
                    guard check(mutated) else { Issue.record("byte \(index), bit \(bit) of \(bytes)"); return }
                }
                for value: UInt8 in [0, 1, 0x7F, 0x80, 0xFF] {
                    mutated[index] = value
                    guard check(mutated) else { Issue.record("byte \(index) = \(value) of \(bytes)"); return }
                }
            }
        }
    }

    @Test func lengthsEverywhereAreChecked() {
        for bytes in encodings where bytes.count >= 6 {
            for index in 2..<bytes.count - 3 {
                var mutated = bytes
                mutated.replaceSubrange(index..<index + 4, with: [0xFF, 0xFF, 0xFF, 0x7F])
                guard check(mutated) else { Issue.record("length at \(index) of \(bytes)"); return }
            }
        }
    }

    @Test func randomBytesAreRefusedOrAMessage() {
        var random = SplitMix(state: 0x6D6F_6465_6C62_726B)
        let tags: [UInt8] = Array(1...11) + Array(129...136)
        for round in 0..<100_000 {
            var bytes = (0..<Int(random.next() % 64)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            if round % 4 != 0, let tag = tags.randomElement(using: &random) { bytes = [Wire.version, tag] + bytes }
            // Small numbers make plausible counts.
            if round % 2 == 0 { bytes = bytes.map { $0 > 200 ? 0 : $0 } }
            guard check(bytes) else { Issue.record("\(bytes)"); return }
        }
    }
}

/// Random numbers that are the same in every run.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
