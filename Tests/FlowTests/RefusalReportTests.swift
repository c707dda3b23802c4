import Admission
import Catalog
import Control
import Flow
import Telemetry
import Testing

/// What is told of refusals when there are many.
@Suite struct RefusalReportTests {
    private static let never = QoS.with { $0.requests = Rate(0, per: .second) }

    @Test func aStormIsAnsweredAndCountedButToldOfBriefly() {
        let memory = QoSMemory()
        var driver = FlowDriver(memory, Self.never)
        for _ in 0..<1000 {
            driver.client(Text.post())
            #expect(driver.takeClient().hasPrefix("HTTP/1.1 429 "))
        }
        #expect(driver.events.count == 5)
        #expect(driver.events.allSatisfy { $0.kind == .refused && $0.leftOut == 0 && $0.reason == "requests" })
        #expect(driver.counters?.counters.rateLimited == 1000 && driver.counters?.counters.status4xx == 1000)
        #expect(memory.counts(FlowDriver.slot, .requests) == .init(refused: 1000))

        driver.context.now += 1_000_000_000
        driver.client(Text.post())
        driver.client(Text.post())
        #expect(driver.events.suffix(2).map(\.leftOut) == [995, 0])
    }

    @Test func theEndOfAStormIsToldOf() {
        var driver = FlowDriver(QoSMemory(), Self.never)
        #expect(driver.context.refusals.isEmpty)
        for _ in 0..<12 { driver.client(Text.post()) }
        #expect(!driver.context.refusals.isEmpty)
        driver.context.now += 999_999_999
        #expect(driver.context.refusals.sweep(now: driver.context.now).isEmpty, "it may go on")
        driver.context.now += 1
        let told = driver.context.refusals.sweep(now: driver.context.now)
        // Itself and six more: with the five before, all twelve.
        #expect(told.map(\.leftOut) == [6])
        #expect(told.first?.model == "m" && told.first?.reason == "requests" && told.first?.detail.hasPrefix("429 ") == true)
        #expect(told.first?.pid == 0 && told.first?.address == nil)
        #expect(driver.context.refusals.isEmpty)
        #expect(driver.context.refusals.sweep(now: driver.context.now).isEmpty)
    }

    @Test func whatWasAllReportedNeedsNoMore() {
        var driver = FlowDriver(QoSMemory(), Self.never)
        driver.client(Text.post())
        #expect(driver.events.map(\.detail) == ["429 The model 'm' has reached a limit of zero on requests. Try again in 2m0s."])
        #expect(driver.context.refusals.sweep(now: driver.context.now + 1_000_000_000).isEmpty)
        #expect(driver.context.refusals.isEmpty)
    }

    /// A storm for one reason hides no refusal for another, nor another client's, nor another model's.
    @Test func storiesAreToldApart() {
        let memory = QoSMemory()
        var driver = FlowDriver(memory, Self.never)
        for _ in 0..<50 { driver.client(Text.post()) }
        memory.put(.with { $0.tokens = Rate(0, per: .second) }, "m", slot: FlowDriver.slot)
        driver.client(Text.post())
        #expect(driver.events.count == 6 && driver.events.last?.reason == "tokens")
        driver.client(Text.post(#"{"model":"none"}"#))
        #expect(driver.events.count == 7 && driver.events.last?.reason == "model_not_found")

        memory.put(Self.never, "m", slot: FlowDriver.slot)
        var caller = driver.flow.caller
        caller.clientNumber = 4
        caller.client = "c"
        driver.flow = Flow(caller, &driver.context)
        driver.client(Text.post())
        #expect(driver.events.count == 8 && driver.events.last?.client == "c")
    }

    @Test func namesInMessagesAreEscaped() {
        let memory = QoSMemory()
        var driver = FlowDriver(models: ["a\"\\\u{1}": [FlowDriver.engine]])
        memory.put(Self.never, "a\"\\\u{1}", slot: 1)
        driver.context.admission = AdmissionTable(memory.page, slots: [1], models: ["a\"\\\u{1}"])
        driver.client(Text.post(#"{"model":"a\"\\\u0001"}"#))
        #expect(driver.takeClient().contains(#"{"error":{"message":"The model 'a\"\\\u0001' has reached a limit of zero"#))
    }
}
