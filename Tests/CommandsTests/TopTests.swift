import Catalog
import Control
import Telemetry
import Testing

@testable import Commands

/// `modelbroker top` without a terminal and without an agent.
@Suite struct TopTests {
    private func model(_ name: String, requests: UInt64, tokens: UInt64 = 0, firstBytes: [UInt64] = []) -> ModelReport {
        var counters = ModelCounters()
        (counters.requests, counters.tokens) = (requests, tokens)
        for time in firstBytes { counters.firstByte.record(time, on: .firstToken) }
        return ModelReport(name: name, source: .catalog, counters: counters)
    }

    private func snapshot(_ seconds: Double, _ models: [ModelReport]) -> TopSnapshot {
        var snapshot = TopSnapshot(seconds: seconds, status: StatusReport())
        snapshot.models = models
        return snapshot
    }

    private func state(_ names: [String], rates: [Double] = []) -> TopState {
        var meter = TopMeter()
        _ = meter.measure(snapshot(0, names.map { model($0, requests: 0) }))
        let counts = rates + Array(repeating: 0, count: names.count - rates.count)
        var state = TopState()
        state.take(meter.measure(snapshot(1, zip(names, counts).map { model($0, requests: UInt64($1)) })))
        return state
    }

    private func value(_ report: TopReport, _ tab: TopTab, _ row: Int, _ key: String) -> TopValue? {
        guard let place = tab.columns.firstIndex(where: { $0.key == key }) else { return nil }
        return report.rows[tab]?[row].values[place]
    }

    private func names(_ state: TopState) -> [String] { state.rows.map(\.id) }

    @discardableResult private func press(_ state: inout TopState, _ keys: String) -> [TopState.Effect] {
        keys.map { state.press(.character($0)) }
    }

    // MARK: - Rates

    @Test func aRateIsOfTheTimeBetweenTwoLooks() {
        var meter = TopMeter()
        let first = meter.measure(snapshot(10, [model("m", requests: 100, tokens: 7)]))
        #expect(first.seconds == nil && value(first, .models, 0, "requestsPerSecond") == .rate(0))
        let second = meter.measure(snapshot(12, [model("m", requests: 130, tokens: 1_007)]))
        #expect(second.seconds == 2 && value(second, .models, 0, "requestsPerSecond") == .rate(15))
        #expect(value(second, .models, 0, "tokensPerSecond") == .rate(500) && second.totals.tokensPerSecond == 500)
        #expect(value(second, .models, 0, "history") == .history([15]))
    }

    /// Its counters begin anew: a rate of minus a million a second was never there.
    @Test func aProxyThatBeganAnewHasNoNegativeRate() {
        var meter = TopMeter()
        _ = meter.measure(snapshot(0, [model("m", requests: .max)]))
        #expect(value(meter.measure(snapshot(1, [model("m", requests: 3)])), .models, 0, "requestsPerSecond") == .rate(0))
        #expect(value(meter.measure(snapshot(2, [model("m", requests: 5)])), .models, 0, "requestsPerSecond") == .rate(2))
    }

    @Test func aTrendIsBoundedAndEndsWithItsModel() {
        var meter = TopMeter()
        for second in 0..<200 { _ = meter.measure(snapshot(Double(second), [model("m", requests: UInt64(second))])) }
        guard case .history(let rates) = value(meter.measure(snapshot(200, [model("m", requests: 200)])), .models, 0, "history")
        else { return #expect(Bool(false)) }
        #expect(rates == Array(repeating: 1, count: TopMeter.kept))
        _ = meter.measure(snapshot(201, []))
        #expect(value(meter.measure(snapshot(202, [model("m", requests: 9)])), .models, 0, "history") == .history([0]))
    }

    @Test func quantilesAreOfTheLatestAnswers() {
        var meter = TopMeter()
        let slow = Array(repeating: UInt64(9_000_000), count: 100)
        _ = meter.measure(snapshot(0, [model("m", requests: 0, firstBytes: slow)]))
        let report = meter.measure(snapshot(1, [model("m", requests: 0, firstBytes: slow + [3_000, 3_000])]))
        #expect(value(report, .models, 0, "ttftP95Microseconds") == .latency(4_800))
        let silent = meter.measure(snapshot(2, [model("n", requests: 0)]))
        #expect(value(silent, .models, 0, "ttftP50Microseconds") == .latency(nil))
    }

    // MARK: - Keys

    @Test(
        arguments: [
            ("\u{1B}[A", [.up]), ("\u{1B}OB", [.down]), ("\u{1B}[5~", [.pageUp]), ("\u{1B}[1;5C", [.right]),
            ("q", [.character("q")]),
            ("\r", [.enter]), ("\u{3}", [.interrupt]), ("\u{7F}", [.backspace]), ("\u{1B}[Z", [.backTab]),
            ("é", [.character("é")]),
            ("\u{1B}[99~q", [.character("q")]), ("ab", [.character("a"), .character("b")]), ("\u{1B}\u{1B}[B", [.escape, .down]),
        ] as [(String, [TopKey])])
    func readsKeys(text: String, keys: [TopKey]) {
        var whole = TopKeyReader()
        #expect(whole.read(text.utf8) + whole.flush() == keys)
        var piecemeal = TopKeyReader()
        #expect(text.utf8.flatMap { piecemeal.read([$0]) } + piecemeal.flush() == keys)
    }

    @Test func escapeAloneIsAKeyOnceNothingFollows() {
        var reader = TopKeyReader()
        #expect(reader.read([0x1B]).isEmpty && reader.isPending)
        #expect(reader.flush() == [.escape] && !reader.isPending)
    }

    @Test func rubbishIsNoKeyAndEnds() {
        var reader = TopKeyReader()
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2_000 { _ = reader.read((0..<8).map { _ in UInt8.random(in: 0...255, using: &random) }) }
        _ = reader.flush()
        #expect(!reader.isPending && reader.read("q".utf8) == [.character("q")])
    }

    // MARK: - State

    @Test func sortsByAColumnAndTheOtherWayRound() {
        var state = state(["a", "b", "c"], rates: [1, 3, 2])
        #expect(names(state) == ["b", "c", "a"])
        press(&state, "r")
        #expect(names(state) == ["a", "c", "b"])
        press(&state, "<")
        #expect(state.look.sort == "model" && names(state) == ["a", "b", "c"])
        press(&state, "<")
        #expect(state.look.sort == "requests", "it goes round")
        #expect(state.press(.right) == .none && state.look.sort == "model")
    }

    @Test func filtersWhileOneTypes() {
        var state = state(["llama-70b", "llama-8b", "whisper"])
        press(&state, "/LLa")
        #expect(state.isFiltering && names(state) == ["llama-70b", "llama-8b"])
        #expect(press(&state, "q") == [.none], "a letter of the filter")
        #expect(names(state).isEmpty)
        _ = state.press(.backspace)
        _ = state.press(.enter)
        #expect(!state.isFiltering && names(state).count == 2)
        #expect(state.press(.escape) == .none && names(state).count == 3)
        #expect(press(&state, "q") == [.quit])
    }

    /// The one chosen stays so while others overtake it.
    @Test func aRowStaysChosen() {
        var state = state(["a", "b", "c"], rates: [3, 2, 1])
        _ = state.press(.down)
        #expect(state.chosenIndex == 1)
        press(&state, "r")
        _ = state.press(.up)
        #expect(state.rows[state.chosenIndex].id == "c")
        _ = state.press(.end)
        _ = state.press(.down)
        #expect(state.chosenIndex == 2, "the last one")
        _ = state.press(.home)
        _ = state.press(.up)
        #expect(state.chosenIndex == 0)
    }

    @Test func opensARowAndComesBack() {
        var state = state(["a", "b"], rates: [1, 2])
        #expect(state.press(.enter) == .refresh && state.detail == "b" && state.wantsFlows)
        let text = TopView(state, TopSize(columns: 80, lines: 24)).lines.map(\.text)
        #expect(text.contains { $0.contains("req/s") && $0.hasSuffix("2") }, "\(text)")
        state.take(TopReport())
        #expect(TopView(state, TopSize(columns: 80, lines: 24)).lines.contains { $0.text == "It is gone." })
        _ = state.press(.escape)
        #expect(state.detail == nil)
    }

    @Test func changesViewsIntervalAndPause() {
        var state = TopState(interval: 1)
        #expect(press(&state, "4") == [.refresh] && state.tab == .flows && state.wantsFlows)
        _ = state.press(.tab)
        _ = state.press(.tab)
        #expect(state.tab == .models)
        press(&state, "++")
        #expect(state.interval == 5)
        press(&state, "---------")
        #expect(state.interval == 0.2)
        #expect(press(&state, "p") == [.none] && state.isPaused)
        #expect(press(&state, "p") == [.refresh] && !state.isPaused)
        #expect(state.press(.interrupt) == .quit)
        #expect(state.press(.suspend) == .suspend)
    }

    @Test func saysThatTheAgentIsAwayAndComesBack() {
        var state = state(["a"])
        state.lose("nobody listens")
        #expect(TopView(state, TopSize(columns: 80, lines: 24)).lines[0].text == "modelbroker agent away: nobody listens")
        #expect(names(state) == ["a"], "what was known last")
        state.take(TopReport())
        #expect(!TopView(state, TopSize(columns: 80, lines: 24)).lines[0].text.contains("away"))
    }

    // MARK: - The screen

    /// Whatever the size: never more lines, never a wider one.
    @Test(arguments: [(80, 24), (200, 60), (40, 10), (20, 5), (1, 1), (12, 3), (300, 2)])
    func fitsTheTerminal(columns: Int, lines: Int) {
        var state = state(
            ["模型-🦙-with-a-name-that-is-really-quite-long-and-goes-on-and-on", "b\u{1B}[2J\n"], rates: [1_234_567, 2])
        for keys in ["", "?", " ", "/x", "\r"] {
            for key in keys { _ = state.press(key == "\r" ? .enter : .character(key)) }
            let drawn = TopView(state, TopSize(columns: columns, lines: lines)).lines
            #expect(drawn.count <= lines)
            for line in drawn {
                #expect(line.width <= columns && TopLine.width(of: line.text) == line.width)
                #expect(!line.text.unicodeScalars.contains { $0.value < 32 || $0.value == 127 }, "it would steer the terminal")
            }
        }
    }

    @Test func aNarrowTerminalLosesTheLeastFirst() {
        let rows = state(["llama"], rates: [5]).rows
        func header(_ width: Int) -> String {
            TopTable(TopTab.models.columns, rows, width: width).header(sort: "requestsPerSecond", isUpwards: false).text
        }
        #expect(header(200).contains("REQUESTS") && header(200).contains("REQ/S▼"))
        #expect(!header(100).contains("REQUESTS") && header(100).contains("TREND") && header(100).contains("REFUSED/S"))
        #expect(!header(60).contains("TREND") && header(60).contains("TTFT P50"))
        #expect(header(40).contains("REQ/S▼") && header(40).contains("QUEUED"))
    }

    @Test func linesAreCutByColumnsNotCharacters() {
        #expect(TopLine.cut("模型模型", to: 5) == "模型…" && TopLine.width(of: "模型…") == 5)
        #expect(TopLine.cut("abc", to: 3) == "abc" && TopLine.cut("abcd", to: 3) == "ab…" && TopLine.cut("abcd", to: 0) == "")
        #expect(TopLine("abc", .bold).fitted(to: 5, fills: true).text == "abc  ")
    }

    @Test func sparklines() {
        #expect(Sparkline.text([0, 1, 4, 8]) == " ▁▄█")
        #expect(Sparkline.text([0, 0]) == "  " && Sparkline.text([]) == "" && Sparkline.text([.nan, -1, 1]) == "  █")
        #expect(Sparkline.text([0, 0, 1, 1000], width: 2) == "▁█", "something is more than nothing")
        #expect(Sparkline.rows([1, 2], width: 2, height: 2) == [" █", "██"])
    }

    @Test func jsonHasTheColumnsNames() throws {
        var meter = TopMeter()
        let text = try json(meter.measure(snapshot(0, [model("m", requests: 5)])))
        #expect(
            text.contains(#""model":"m""#) && text.contains(#""requests":5"#) && text.contains(#""ttftP50Microseconds":null"#))
        #expect(!text.contains("flows"), "nobody asked for them")
    }
}
