import Catalog
import Control
import Telemetry
import Testing

/// Agents and proxies of different builds: what it takes to replace a proxy is understood, the rest is let pass.
@Suite struct PeerWireTests {
    private let older: [UInt8] = [4]
    private let newer: [UInt8] = [Wire.version + 1]

    @Test func anOlderHelloIsUnderstood() throws {
        let hello = [4, 129, 7, 0, 0, 0, 3, 0, 0, 0, 0x30, 0x2E, 0x31, 2, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0] as [UInt8]
        let (message, version) = try ProxyMessage.fromPeer(hello)
        #expect(message == .hello(ProxyHello(pid: 7, version: "0.1", abi: 2, generation: 9)))
        #expect(version == 4)
        for count in 2..<hello.count { #expect(throws: WireError.self) { try ProxyMessage.fromPeer(Array(hello[..<count])) } }
    }

    @Test func aNewerHelloIsUnderstoodWithWhatStandsBehindIt() throws {
        let sent = ProxyHello(pid: 7, version: "9.0", abi: 5, generation: 9, retiring: 5000)
        let bytes = newer + ProxyMessage.hello(sent).encoded().dropFirst() + [1, 2, 3]
        #expect(try ProxyMessage.fromPeer(bytes).message == .hello(sent))
    }

    @Test func ordersAreWrittenAsThePeerReadsThem() throws {
        #expect(AgentMessage.stop(deadlineMilliseconds: 1).encoded(for: 4) == [4, 4, 1, 0, 0, 0])
        #expect(AgentMessage.stop(deadlineMilliseconds: 1).encoded(for: 200) == [Wire.version, 4, 1, 0, 0, 0])
        #expect(AgentMessage.retire(deadlineMilliseconds: 1).encoded(for: 6) == [6, 10, 1, 0, 0, 0])
        #expect(AgentMessage.handOver.encoded(for: 6) == [6, 8])
    }

    @Test(arguments: [AgentMessage.stop(deadlineMilliseconds: 7), .retire(deadlineMilliseconds: 7), .handOver])
    func ordersOfAnotherVersionAreUnderstood(message: AgentMessage) throws {
        let bytes = newer + message.encoded().dropFirst()
        #expect(try AgentMessage.fromPeer(bytes).message == message)
        #expect(try AgentMessage.fromPeer(bytes + [9]).message == message)
    }

    @Test func whatDoesNotLastIsLetPass() throws {
        for message in Samples.agentMessages {
            let bytes = newer + message.encoded().dropFirst()
            let lasts = [4, 8, 10].contains(bytes[1])
            #expect(try AgentMessage.fromPeer(bytes).message == (lasts ? message : nil))
        }
        for message in Samples.proxyMessages {
            let bytes = newer + message.encoded().dropFirst()
            let lasts = [129, 135, 136].contains(bytes[1])
            #expect(try ProxyMessage.fromPeer(bytes).message == (lasts ? message : nil))
        }
        // Before they were there.
        #expect(try AgentMessage.fromPeer([4, 8]).message == nil)
        #expect(try AgentMessage.fromPeer([Wire.version, 99, 1, 2]).message == nil)
        #expect(try ProxyMessage.fromPeer([Wire.version, 99, 1, 2]).message == nil)
    }

    @Test func whatIsOursIsReadStrictly() throws {
        for message in Samples.agentMessages {
            let bytes = message.encoded()
            #expect(try AgentMessage.fromPeer(bytes).message == message)
            #expect(throws: WireError.self) { try AgentMessage.fromPeer(bytes + [0]) }
        }
        #expect(throws: WireError.self) { try AgentMessage.fromPeer([]) }
        #expect(throws: WireError.self) { try AgentMessage.fromPeer([9]) }
    }

    @Test(arguments: [0, 65, 255] as [UInt8]) func countsOfSocketsAreBounded(count: UInt8) throws {
        let bytes = ProxyMessage.listener(HandedListener(address: Samples.v6, purpose: .gateway, count: 1)).encoded()
        #expect(throws: WireError.invalidValue) { try ProxyMessage(decoding: bytes.dropLast() + [count]) }
    }

    /// A message that lasts means the same in every version, whatever bytes come with its number.
    @Test func randomBytesOfOtherVersionsNeverTrap() {
        var random = SplitMix(state: 0x7065_6572)
        for _ in 0..<50_000 {
            var bytes = (0..<Int(random.next() % 48)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            bytes =
                [UInt8(truncatingIfNeeded: random.next() % 9), [4, 8, 10, 129, 135, 136].randomElement(using: &random) ?? 4]
                + bytes
            _ = try? AgentMessage.fromPeer(bytes)
            _ = try? ProxyMessage.fromPeer(bytes)
        }
    }
}

/// What proxies have counted, taken together.
@Suite struct ProxyTotalsTests {
    @Test func nothingGoesBackwards() {
        let endpoint = EndpointRecord(model: "m", key: Samples.key, inFlight: 3, requests: 5, failures: 1)
        var sum = ProxyTotals(statistics: Samples.statistics, endpoints: [endpoint], routes: Samples.routeRecords)
        let one = sum
        sum.add(one.ended)
        #expect(sum.statistics.acceptedCaptured == 2 &* one.statistics.acceptedCaptured)
        #expect(sum.statistics.openConnections == one.statistics.openConnections, "of one that has ended nothing is open")
        for (both, single) in zip(sum.statistics.models, one.statistics.models) {
            #expect(both.counters.requests == 2 &* single.counters.requests)
            #expect(both.counters.active == single.counters.active)
        }
        for (both, single) in zip(sum.endpoints, one.endpoints) {
            #expect(both.requests == 2 &* single.requests && both.inFlight == single.inFlight)
        }
        for (both, single) in zip(sum.routes, one.routes) { #expect(both.retries == 2 &* single.retries) }
        #expect(sum.statistics.residentBytes == one.statistics.residentBytes, "facts of the process are its own")
    }

    @Test func theyRoundTrip() throws {
        let totals = ProxyTotals(
            statistics: Samples.statistics, endpoints: Samples.endpointRecords, routes: Samples.routeRecords)
        let bytes = AgentMessage.carry(totals).encoded()
        #expect(try AgentMessage(decoding: bytes) == .carry(totals))
        for count in stride(from: 0, to: bytes.count, by: 7) {
            #expect(throws: WireError.self) { try AgentMessage(decoding: Array(bytes[..<count])) }
        }
    }

    @Test func theFirstIsTakenWhole() {
        var sum = ProxyTotals()
        let one = ProxyTotals(statistics: Samples.statistics, endpoints: Samples.endpointRecords, routes: Samples.routeRecords)
        sum.add(one)
        #expect(sum.endpoints == one.endpoints && sum.routes == one.routes)
        #expect(sum.statistics.models == one.statistics.models && sum.statistics.clients == one.statistics.clients)
    }
}
