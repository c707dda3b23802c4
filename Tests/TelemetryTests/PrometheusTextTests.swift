import Telemetry
import Testing

@Suite struct PrometheusTextTests {
    private let metric = Metric("things_total", .counter, "Things.")

    private func line(label value: String) -> String {
        var text = PrometheusText()
        text.sample(metric, [("name", value)], 1)
        return text.text
    }

    @Test func writesAFamily() {
        var text = PrometheusText()
        text.family(metric)
        text.sample(metric, [], 7)
        text.sample(metric, [("a", "1"), ("b", "2")], .max)
        #expect(
            text.text == """
                # HELP things_total Things.
                # TYPE things_total counter
                things_total 7
                things_total{a="1",b="2"} 18446744073709551615

                """)
    }

    @Test func escapesWhatCouldEndALabel() {
        #expect(line(label: "a\"} 5\nfake 1\\") == "things_total{name=\"a\\\"} 5\\nfake 1\\\\\"} 1\n")
    }

    @Test func replacesControlCharacters() {
        #expect(line(label: "a\u{0}b\rc\u{7f}") == "things_total{name=\"a\u{FFFD}b\u{FFFD}c\u{FFFD}\"} 1\n")
    }

    @Test func keepsOtherLanguages() { #expect(line(label: "模型 🦙") == "things_total{name=\"模型 🦙\"} 1\n") }

    @Test func histogramsAreCumulativeAndInSeconds() {
        var histogram = Histogram()
        for microseconds: UInt64 in [500, 1_000, 250_000, 20_000_000] { histogram.record(microseconds, on: .firstToken) }
        var text = PrometheusText()
        text.histogram(Metric("t_seconds", .histogram, ""), [("model", "m")], histogram)
        let lines = text.text.split(separator: "\n").map(String.init)
        #expect(lines.count == HistogramScale.firstToken.bounds.count + 3)
        #expect(lines.first == "t_seconds_bucket{model=\"m\",le=\"0.001\"} 2")
        #expect(lines.contains("t_seconds_bucket{model=\"m\",le=\"0.25\"} 3"))
        #expect(lines.contains("t_seconds_bucket{model=\"m\",le=\"10\"} 3"))
        #expect(lines.contains("t_seconds_bucket{model=\"m\",le=\"+Inf\"} 4"))
        #expect(lines.contains("t_seconds_sum{model=\"m\"} 20.2515"))
        #expect(lines.last == "t_seconds_count{model=\"m\"} 4")
    }
}

@Suite struct LabelLimitTests {
    @Test func theFirstKeepTheirNames() {
        var limit = LabelLimit(limit: 2)
        #expect(limit.label(for: "a") == "a")
        #expect(limit.label(for: "b") == "b")
        #expect(limit.label(for: "c") == "other")
        #expect(limit.label(for: "a") == "a")
        #expect(limit.label(for: "other") == "other")
    }
}
