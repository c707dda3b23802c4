import Admission
import Catalog
import Control
import Flow
import Routing
import Telemetry
import Testing

/// Who did not ask what a stream used does not see the event that says so; everything else comes, and at once.
@Suite struct UsageStripTests {
    static let body = #"{"model":"m","stream":true}"#
    static let asking = #"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#

    static func streaming(
        _ memory: QoSMemory, _ request: String = Text.chat(body), upstreamModel: String? = nil, engine: Engine = .openai
    ) -> FlowDriver {
        var driver = FlowDriver(usage: memory, engine: engine, upstreamModel: upstreamModel)
        driver.client(request)
        driver.connected()
        _ = driver.takeUpstream()
        return driver
    }

    static func used(_ memory: QoSMemory) -> UInt64 { memory.counts(FlowDriver.slot, .tokens).admitted }

    @Test func theEventIsLeftOutAndCounted() throws {
        let memory = QoSMemory()
        var driver = Self.streaming(memory)
        driver.upstream(Text.streamHead)
        for event in [Text.delta, Text.delta] {
            driver.upstream(Text.chunk(event))
            #expect(driver.takeClient().hasSuffix(Text.chunk(event)), "at once")
        }
        driver.upstream(Text.chunk(Text.usage))
        #expect(driver.takeClient() == "")
        driver.upstream(Text.chunk(Text.done) + "0\r\n\r\n")
        #expect(driver.takeClient() == Text.chunk(Text.done) + "0\r\n\r\n")
        #expect(Self.used(memory) == 42 && driver.flow.state == .idle)
        #expect(driver.takeActions().contains(.releaseUpstream(reusable: true)))
    }

    @Test func whoAskedGetsEverythingUnchanged() {
        let memory = QoSMemory()
        var driver = Self.streaming(memory, Text.chat(Self.asking))
        driver.upstream(Text.streamHead)
        _ = driver.takeClient()
        let stream = Text.chunk(Text.delta + Text.usage) + Text.chunk(Text.done) + "0\r\n\r\n"
        driver.upstream(stream)
        _ = driver.takeClient()
        driver.client(Text.chat(Self.asking))
        driver.connected()
        driver.upstream(Text.streamHead + stream)
        #expect(driver.takeClient().hasSuffix(stream) && Self.used(memory) == 84)
    }

    /// The endpoint was not asked, so what it says it says by itself.
    @Test func whatNobodyAskedForIsLeftAlone() {
        let memory = QoSMemory()
        var driver = Self.streaming(memory, engine: .raw)
        let stream = Text.chunk(Text.delta + Text.usage + Text.done) + "0\r\n\r\n"
        driver.upstream(Text.streamHead + stream)
        #expect(driver.takeClient().hasSuffix(stream) && Self.used(memory) == 42)
    }

    @Test func otherFramings() throws {
        let events = Text.delta + Text.usage + Text.done
        let memory = QoSMemory()
        var driver = Self.streaming(memory)
        driver.upstream(
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: \(events.utf8.count)\r\n\r\n\(Text.delta)")
        #expect(driver.takeClient().hasSuffix("Transfer-Encoding: chunked\r\n\r\n" + Text.chunk(Text.delta)))
        driver.upstream(Text.usage + Text.done)
        #expect(driver.takeClient() == Text.chunk(Text.done) + "0\r\n\r\n" && driver.flow.state == .idle)
        driver = Self.streaming(memory)
        driver.upstream("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + events)
        driver.ended(.upstream)
        #expect(driver.takeClient().hasSuffix("\r\n\r\n" + Text.delta + Text.done) && driver.flow.state == .closing)
        driver = Self.streaming(memory, Text.chat(Self.body, version: "1.0"))
        driver.upstream(Text.streamHead + Text.chunk(events) + "0\r\n\r\n")
        let answer = driver.takeClient()
        #expect(answer.hasSuffix("\r\n\r\n" + Text.delta + Text.done) && !answer.contains("chunked"))
        #expect(Self.used(memory) == 3 * 42)
    }

    @Test func anErrorGoesOnAsItIs() {
        let memory = QoSMemory()
        var driver = Self.streaming(memory)
        let error = Text.json(#"{"error":{"message":"no"}}"#).replacing("200 OK", with: "400 Bad Request")
        driver.upstream(error)
        #expect(driver.takeClient().hasSuffix(#"{"error":{"message":"no"}}"#) && Self.used(memory) == 0)
    }

    @Test func aStreamThatBreaksIsSettledWithWhatWasSeen() {
        let memory = QoSMemory()
        var driver = Self.streaming(memory)
        driver.upstream(Text.streamHead + Text.chunk(Text.delta) + Text.chunk(Text.delta))
        driver.ended(.upstream)
        #expect(driver.takeClient().contains("\"error\""))
        #expect(Self.used(memory) == UInt64(Self.body.utf8.count / 4 + 2))
    }

    /// Streams at random, cut at random: what is left is what is left of the whole.
    @Test func streamsAtRandom() throws {
        var random = Random(state: 91)
        for round in 0..<400 {
            let name = round % 2 == 0 ? nil : "meta/70b"
            let inside = name.map { _ in #""model":"meta/70b""# } ?? #""model":"m""#
            var (events, rest) = ([String](), "")
            for _ in 0..<1 + random.below(12) {
                let end = ["\n", "\r\n", "\r"][random.below(3)]
                let event = [Text.delta, Text.usage, Text.usage, ": ping\n\n", Text.done, "id: 1\n" + Text.delta][random.below(6)]
                let text = event.replacing("\n", with: end)
                events.append(text.replacing(#""model":"m""#, with: inside))
                if event != Text.usage { rest += text }
            }
            let memory = QoSMemory()
            var driver = Self.streaming(memory, upstreamModel: name)
            // As engines do, or any other way.
            let chunks = random.below(2) == 0 ? events.map(Text.chunk).joined() : Self.chunks(events.joined(), &random)
            let bytes = Array((Text.streamHead + chunks + "0\r\n\r\n").utf8)
            var position = 0
            while position < bytes.count {
                let next = min(bytes.count, position + 1 + random.below([2, 50, 500][random.below(3)]))
                driver.give(.upstream, Array(bytes[position..<next]))
                position = next
            }
            #expect(try driver.takeAnswer().body == rest, "round \(round)")
            #expect(driver.flow.state == .idle)
        }
    }

    private static func chunks(_ text: String, _ random: inout Random) -> String {
        var rest = Array(text.utf8)[...]
        var result = ""
        while !rest.isEmpty {
            let piece = rest.prefix(1 + random.below(200))
            result += Text.chunk(String(decoding: piece, as: UTF8.self))
            rest = rest.dropFirst(piece.count)
        }
        return result
    }

    /// Numbers that look random and are the same in every run.
    struct Random {
        var state: UInt64

        mutating func below(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
    }
}
