import Telemetry
import Testing

@Suite struct OTLPTests {
    private let origin = OTLP.Origin(attributes: [("service.name", "modelbroker")], version: "9")

    /// The message around what a scope holds.
    private func envelope(_ items: [UInt8]) -> [UInt8] {
        var writer = ProtobufWriter()
        writer.message(1) { resources in
            resources.message(1) { $0.attribute(1, "service.name", "modelbroker") }
            resources.message(2) { scopes in
                scopes.message(1) {
                    $0.string(1, "modelbroker")
                    $0.string(2, "9")
                }
                scopes.raw(items)
            }
        }
        return writer.bytes
    }

    /// Byte by byte, as the libraries made of OpenTelemetry's descriptions write it.
    @Test func theEnvelopeIsFixed() {
        let attribute: [UInt8] =
            [0x0A, 29, 0x0A, 12] + Array("service.name".utf8) + [0x12, 13, 0x0A, 11] + Array("modelbroker".utf8)
        let scope: [UInt8] = [0x0A, 16, 0x0A, 11] + Array("modelbroker".utf8) + [0x12, 1, 0x39]
        let resources: [UInt8] = [0x0A, 31] + attribute + [0x12, 18] + scope
        #expect(OTLP.request(origin, items: []) == [0x0A, UInt8(resources.count)] + resources)
    }

    @Test func sumsGaugesAndHistograms() throws {
        var metrics = OTLPMetrics(origin, timestamp: 2)
        metrics.single(Metric("things_total", .counter, "T."), [("a", "1"), ("b", "")], 3)
        metrics.single(Metric("level_seconds", .gauge, "L."), microseconds: 1_500_000)
        metrics.family(Metric("nothing", .gauge, "N."))
        var histogram = Histogram()
        histogram.record(7, on: .tokens)
        metrics.family(Metrics.Model.usage)
        metrics.histogram(Metrics.Model.usage, [("model", "m"), ("gen_ai_token_type", "input")], histogram, on: .tokens)
        var items = ProtobufWriter()
        items.message(2) { metric in
            metric.string(1, "things_total")
            metric.string(2, "T.")
            metric.message(7) { sum in
                sum.message(1) { point in
                    point.fixed64(3, 2_000_000)
                    point.fixed64(6, 3)
                    point.attribute(7, "a", "1")
                }
                sum.varint(2, 2)
                sum.bool(3, true)
            }
        }
        items.message(2) { metric in
            metric.string(1, "level_seconds")
            metric.string(2, "L.")
            metric.message(5) { gauge in
                gauge.message(1) { point in
                    point.fixed64(3, 2_000_000)
                    point.double(4, 1.5)
                }
            }
        }
        items.message(2) { metric in
            metric.string(1, "gen_ai.client.token.usage")
            metric.string(2, Metrics.Model.usage.help)
            metric.string(3, "{token}")
            metric.message(9) { histogram in
                histogram.message(1) { point in
                    point.fixed64(3, 2_000_000)
                    point.fixed64(4, 1)
                    point.double(5, 7)
                    point.packed(6, fixed64: [0, 0, 1] + [UInt64](repeating: 0, count: 12))
                    point.packed(7, fixed64: (0..<14).map { Double(1 << (2 * $0)).bitPattern })
                    point.attribute(9, "gen_ai.request.model", "m")
                    point.attribute(9, "gen_ai.token.type", "input")
                }
                histogram.varint(2, 2)
            }
        }
        let written = metrics.finish()
        #expect(written.map(\.points) == [3])
        #expect(written.first?.body == envelope(items.bytes))
    }

    @Test func aFamilyThatDoesNotFitGoesOnInTheNextMessage() {
        var metrics = OTLPMetrics(origin, timestamp: 2, limit: 4)
        let metric = Metric("things_total", .counter, "T.")
        metrics.family(metric)
        for number in 0..<9 { metrics.sample(metric, [("n", "\(number)")], 1) }
        #expect(metrics.finish().map(\.points) == [4, 4, 1])
    }

    /// What the proxy sends is believed no further than that it is a list of spans.
    @Test func whatIsNoListOfSpansIsTold() {
        var spans = ProtobufWriter()
        for size in [0, 1, 127, 128, 20_000] { spans.bytes(2, [UInt8](repeating: 1, count: size)) }
        #expect(OTLP.count(ofItems: spans.bytes) == 5)
        #expect(OTLP.count(ofItems: []) == 0)
        #expect(OTLP.count(ofItems: Array(spans.bytes.dropLast())) == nil)
        #expect(OTLP.count(ofItems: spans.bytes + [0x12]) == nil)
        #expect(OTLP.count(ofItems: [0x0A, 0]) == nil)
        #expect(OTLP.count(ofItems: [0x12] + [UInt8](repeating: 0xFF, count: 20)) == nil)
        #expect(OTLP.count(ofItems: [0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]) == nil)
    }
}
