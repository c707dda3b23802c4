import Catalog
import Control
import Testing

/// Messages survive their encoding, and nothing else is taken for one.
@Suite struct WireTests {
    @Test func agentMessagesRoundTrip() throws {
        for message in Samples.agentMessages {
            let decoded = try AgentMessage(decoding: message.encoded())
            #expect(decoded == message)
        }
    }

    @Test func proxyMessagesRoundTrip() throws {
        for message in Samples.proxyMessages {
            let decoded = try ProxyMessage(decoding: message.encoded())
            #expect(decoded == message)
        }
    }

    @Test func everyEnumerationRoundTrips() throws {
        for path in CaptureRule.Path.allCases {
            for down in CaptureRule.WhenProxyDown.allCases {
                for unknown in CaptureRule.Ungoverned.allCases {
                    for opaque in CaptureRule.Ungoverned.allCases {
                        let rule = CaptureRule(
                            name: "r", to: [], path: path, whenProxyDown: down, unknown: unknown, opaque: opaque)
                        let message = AgentMessage.configure(Samples.configured(Catalog(rules: [rule])))
                        #expect(try AgentMessage(decoding: message.encoded()) == message)
                    }
                }
            }
        }
    }

    @Test func aLargeCatalogRoundTrips() throws {
        var catalog = Catalog()
        for index in 0..<16_384 {
            let address = IPAddress(v4: 10, UInt8(index >> 8), UInt8(index & 255), 0)
            let block = try #require(CIDR(address: address, prefixLength: 24))
            catalog.rules.append(CaptureRule(name: "rule-\(index)", to: [Destination(network: block, port: 80)]))
        }
        for index in 0..<20_000 {
            let endpoint = Endpoint(host: "host-\(index)", port: 80, authority: "host-\(index)", addresses: [Samples.v4])
            catalog.models.append(Model(name: "model-\(index)", endpoints: [endpoint]))
        }
        let message = AgentMessage.configure(ProxySettings(generation: 1, catalog: catalog, hostNetnsCookie: 2))
        let bytes = message.encoded()
        #expect(bytes.count < 8 << 20)
        #expect(try AgentMessage(decoding: bytes) == message)
    }

    /// The layout itself, so that it does not change unless the version does.
    @Test func theLayoutIsFixed() {
        #expect(Wire.version == 6)
        #expect(AgentMessage.stop(deadlineMilliseconds: 0x0102_0304).encoded() == [6, 4, 4, 3, 2, 1])
        #expect(AgentMessage.auditSink(true).encoded() == [6, 7, 1])
        let pod = CgroupPod(cgroup: 258, pod: PodName(name: "a/b", serviceAccount: "c"))
        #expect(
            AgentMessage.pods([pod]).encoded()
                == [6, 12, 1, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0x61, 0x2F, 0x62, 1, 0, 0, 0, 0x63])
        #expect(AgentMessage.query(id: 1, .queues).encoded() == [6, 3, 1, 0, 0, 0, 6])
        let key = EndpointKey(url: "u", address: SocketAddress(ip: IPAddress(v4: 1, 2, 3, 4), port: 80))
        #expect(ProxyMessage.spans([0x12, 0], count: 3).encoded() == [6, 137, 2, 0, 0, 0, 0x12, 0, 3, 0, 0, 0])
        #expect(ProxyMessage.wanted([key]).encoded() == [6, 134, 1, 0, 0, 0, 1, 0, 0, 0, 0x75, 4, 1, 2, 3, 4, 80, 0])
        #expect(AgentMessage.query(id: 1, .flows).encoded() == [6, 3, 1, 0, 0, 0, 2])
        let rejected = ProxyMessage.rejected(generation: 2, reason: "no")
        #expect(rejected.encoded() == [6, 131, 2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0x6E, 0x6F])
        let event = ProxyEvent(kind: .broken, model: "m", pid: 3, address: SocketAddress(ip: IPAddress(v4: 1, 2, 3, 4), port: 80))
        #expect(
            ProxyMessage.event(event).encoded()
                == [6, 133, 6, 1, 0, 0, 0, 0x6D, 0, 0, 0, 0, 3, 0, 0, 0] + [0, 0, 0, 0, 0, 0, 0, 0]
                + [1, 4, 1, 2, 3, 4, 80, 0, 0, 0, 0, 0] + [0, 0, 0, 0] + [0, 0, 0, 0, 0, 0, 0, 0])
    }

    @Test func messagesOfTheOtherSideAreRefused() {
        for message in Samples.agentMessages { #expect(throws: WireError.self) { try ProxyMessage(decoding: message.encoded()) } }
        for message in Samples.proxyMessages { #expect(throws: WireError.self) { try AgentMessage(decoding: message.encoded()) } }
    }

    @Test(
        arguments: [
            ([], WireError.truncated), ([6], .truncated), ([5, 4, 0, 0, 0, 0], .version(5)), ([7, 4, 0, 0, 0, 0], .version(7)),
            ([6, 0], .unknownMessage(0)),
            ([6, 4, 0, 0, 0], .truncated), ([6, 4, 0, 0, 0, 0, 0], .trailingBytes(1)), ([6, 3, 0, 0, 0, 0, 7], .invalidValue),
            ([6, 8, 0], .trailingBytes(1)), ([6, 13, 0], .unknownMessage(13)), ([6, 7], .truncated), ([6, 7, 2], .invalidValue),
            ([6, 7, 1, 0], .trailingBytes(1)),
        ] as [([UInt8], WireError)])
    func errorsSayWhatIsWrong(bytes: [UInt8], expected: WireError) {
        #expect(throws: expected) { try AgentMessage(decoding: bytes) }
    }

    @Test(
        arguments: [
            ([6, 131] + [0, 0, 0, 0, 0, 0, 0, 0] + [0xFF, 0xFF, 0xFF, 0xFF], WireError.countTooLarge(.max)),
            ([6, 131] + [0, 0, 0, 0, 0, 0, 0, 0] + [2, 0, 0, 0, 0x61], .countTooLarge(2)),
            ([6, 131] + [0, 0, 0, 0, 0, 0, 0, 0] + [1, 0, 0, 0, 0xFF], .notUTF8),
            ([6, 131] + [0, 0, 0, 0, 0, 0, 0, 0] + [2, 0, 0, 0, 0xC0, 0x80], .notUTF8),
            // Ten million flows in a message of a hundred bytes.
            ([6, 132, 0, 0, 0, 0, 2] + [0x80, 0x96, 0x98, 0] + [UInt8](repeating: 0, count: 100), .countTooLarge(10_000_000)),
            ([6, 133, 13] + [UInt8](repeating: 0, count: 37), .unknownTag(13)),
            ([6, 133, 0] + [UInt8](repeating: 0, count: 37), .unknownTag(0)),
            ([6, 133, 1] + [UInt8](repeating: 0, count: 20) + [2, 0, 0, 0, 0], .invalidValue),
            ([6, 133, 1] + [UInt8](repeating: 0, count: 20) + [1, 5, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0], .unknownTag(5)),
        ] as [([UInt8], WireError)])
    func proxyErrorsSayWhatIsWrong(bytes: [UInt8], expected: WireError) {
        #expect(throws: expected) { try ProxyMessage(decoding: bytes) }
    }

    @Test func blocksWithHostBitsAndNegativeNumbersAreRefused() throws {
        var settings = Samples.configured(Catalog(rules: Samples.rules))
        let good = AgentMessage.configure(settings).encoded()
        #expect(try AgentMessage(decoding: good) == .configure(settings))
        let block = try #require((0..<good.count - 5).first { Array(good[$0..<$0 + 5]) == [10, 0, 0, 0, 8] })
        var bad = good
        bad[block + 3] = 1
        #expect(throws: WireError.invalidValue) { try AgentMessage(decoding: bad) }
        bad[block + 4] = 33
        #expect(throws: WireError.invalidValue) { try AgentMessage(decoding: bad) }
        settings.catalog = Catalog(node: Node(maxBody: 0x1122_3344_5566))
        var negative = AgentMessage.configure(settings).encoded()
        let high = try #require(
            (0..<negative.count - 8).first { Array(negative[$0..<$0 + 6]) == [0x66, 0x55, 0x44, 0x33, 0x22, 0x11] })
        negative[high + 7] = 0x80
        #expect(throws: WireError.invalidValue) { try AgentMessage(decoding: negative) }
    }

    /// A set has one form only: its elements in order.
    @Test func statusesAndLabelsOutOfOrderAreRefused() throws {
        var settings = Samples.configured(Catalog(pools: [Pool(name: "p", routing: Samples.routing)]))
        let statuses = AgentMessage.configure(settings).encoded()
        let first = try #require(
            (0..<statuses.count - 8).first { Array(statuses[$0..<$0 + 8]) == [0xAD, 1, 0, 0, 0xF4, 1, 0, 0] })
        for other: [UInt8] in [[0xF4, 1, 0, 0], [0xF5, 1, 0, 0], [0xAD, 1, 1, 0]] {
            var bad = statuses
            bad.replaceSubrange(first..<first + 4, with: other)
            #expect(throws: WireError.invalidValue) { try AgentMessage(decoding: bad) }
        }
        settings.catalog = Catalog(pools: [Pool(name: "p", selector: ["k1": "", "k2": ""])])
        let labels = AgentMessage.configure(settings).encoded()
        let second = try #require((0..<labels.count - 2).first { Array(labels[$0..<$0 + 2]) == [0x6B, 0x32] })
        for other in [UInt8(ascii: "1"), UInt8(ascii: "0")] {
            var bad = labels
            bad[second + 1] = other
            #expect(throws: WireError.invalidValue) { try AgentMessage(decoding: bad) }
        }
    }

    @Test func aNegativeNumberIsSentAsZero() throws {
        let message = AgentMessage.configure(
            ProxySettings(generation: 0, catalog: Catalog(node: Node(workers: -1)), hostNetnsCookie: 0))
        guard case .configure(let settings) = try AgentMessage(decoding: message.encoded()) else {
            Issue.record("another message")
            return
        }
        #expect(settings.catalog.node.workers == 0)
    }
}
