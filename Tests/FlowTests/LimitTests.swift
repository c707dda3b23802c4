import Admission
import Catalog
import Control
import Flow
import Telemetry
import Testing

/// Requests over their model's limits, and what the others are told of them.
@Suite struct LimitTests {
    @Test func overTheLimitIsA429() {
        let memory = QoSMemory()
        var driver = FlowDriver(memory, .twoRequests)
        #expect(driver.exchange().hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(driver.exchange().hasPrefix("HTTP/1.1 200 OK\r\n"))
        _ = driver.takeActions()
        driver.client(Text.post(fields: "x-request-id: r1\r\n"))
        let body =
            #"{"error":{"message":"The model 'm' has reached its limit on requests. Try again in 1s.","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#
        #expect(
            driver.takeClient()
                == "HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\nx-request-id: r1\r\nRetry-After: 1\r\nretry-after-ms: 1000\r\nx-ratelimit-limit-requests: 2\r\nx-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: 2s\r\n\r\n\(body)"
        )
        #expect(driver.takeActions().isEmpty, "the connection stays, and no endpoint hears of it")
        #expect(driver.flow.state == .idle)
        #expect(memory.counts(FlowDriver.slot, .requests) == .init(admitted: 2, refused: 1))
        let counters = driver.counters?.counters
        #expect(counters?.requests == 3 && counters?.rateLimited == 1 && counters?.status4xx == 1 && counters?.active == 0)
        #expect(driver.events.last?.kind == .refused && driver.events.last?.model == "m")
        #expect(driver.events.last?.detail.hasPrefix("429 ") == true)
        driver.context.now += 1_000_000_000
        #expect(driver.exchange().hasPrefix("HTTP/1.1 200 OK\r\n"))
    }

    @Test func successSaysWhatIsLeft() {
        var driver = FlowDriver(
            QoSMemory(),
            .with {
                $0.requests = Rate(4, per: .second)
                $0.burst = 10
                $0.tokens = Rate(60, per: .minute)
                $0.tokenBurst = 1000
            })
        let answer = driver.exchange(
            Text.post(Text.prompt),
            "HTTP/1.1 200 OK\r\nx-ratelimit-limit-requests: 9\r\nX-RateLimit-Reset-Tokens: 9s\r\nx-ratelimit-limit-images: 9\r\nContent-Length: 2\r\n\r\nok"
        )
        #expect(
            answer.hasPrefix(
                "HTTP/1.1 200 OK\r\nx-ratelimit-limit-images: 9\r\nContent-Length: 2\r\nx-request-id: req_"))
        #expect(
            answer.hasSuffix(
                "\r\nx-ratelimit-limit-requests: 10\r\nx-ratelimit-remaining-requests: 9\r\nx-ratelimit-reset-requests: 250ms\r\nx-ratelimit-limit-tokens: 1000\r\nx-ratelimit-remaining-tokens: 881\r\nx-ratelimit-reset-tokens: 1m59s\r\n\r\nok"
            ), "\(answer)")
    }

    @Test func whatIsNotLimitedIsLeftToTheEndpoint() {
        var driver = FlowDriver(QoSMemory(), .twoRequests)
        let limits = "x-ratelimit-limit-tokens: 7\r\nx-ratelimit-remaining-tokens: 6\r\n"
        let answer = driver.exchange(Text.post(), "HTTP/1.1 200 OK\r\n\(limits)Content-Length: 2\r\n\r\nok")
        #expect(answer.contains(limits) && answer.contains("x-ratelimit-limit-requests: 2\r\n"))
        let other = driver.exchange(
            Text.post(#"{"model":"open"}"#), "HTTP/1.1 200 OK\r\nx-ratelimit-limit-requests: 7\r\nContent-Length: 2\r\n\r\nok")
        #expect(other.contains("x-ratelimit-limit-requests: 7\r\n") && !other.contains("x-ratelimit-remaining"))
        let error = driver.exchange(
            Text.post(), "HTTP/1.1 429 Busy\r\nx-ratelimit-limit-requests: 7\r\nContent-Length: 2\r\n\r\nno")
        #expect(error.contains("x-ratelimit-limit-requests: 7\r\n") && !error.contains("x-ratelimit-remaining"))
    }

    @Test func tooManyTokensAreA429AndGiveTheRequestBack() {
        let memory = QoSMemory()
        var driver = FlowDriver(
            memory,
            .with {
                $0.requests = Rate(1, per: .minute); $0.burst = 5; $0.tokens = Rate(100, per: .minute); $0.tokenBurst = 200
            })
        driver.client(Text.post(Text.prompt))
        driver.connected()
        driver.client(Text.post(Text.prompt))
        driver.upstream(Text.json(#"{"usage":{"total_tokens":119}}"#))
        let refused = driver.takeClient()
        #expect(refused.contains("HTTP/1.1 429 Too Many Requests\r\n"))
        #expect(refused.contains(#""type":"tokens","param":null,"code":"rate_limit_exceeded""#))
        #expect(refused.contains("Retry-After: 23\r\nretry-after-ms: 22800\r\nx-ratelimit-limit-requests: 5\r\n"), "\(refused)")
        #expect(
            refused.contains("x-ratelimit-remaining-requests: 4\r\n") && refused.contains("x-ratelimit-remaining-tokens: 81\r\n"))
        #expect(memory.counts(FlowDriver.slot, .requests) == .init(admitted: 1))
        #expect(memory.counts(FlowDriver.slot, .tokens) == .init(admitted: 119, refused: 119))
        #expect(driver.counters?.counters.tokenLimited == 1 && driver.counters?.counters.tokens == 119)
    }

    @Test func aLimitOfZeroTellsToWaitAsLongAsClientsDo() {
        var driver = FlowDriver(QoSMemory(), .with { $0.requests = Rate(0, per: .second) })
        driver.client(Text.post())
        let answer = driver.takeClient()
        #expect(answer.contains("\r\nRetry-After: 120\r\nretry-after-ms: 120000\r\nx-ratelimit-limit-requests: 0\r\n"))
        #expect(answer.contains("x-ratelimit-reset-requests: 2m0s\r\n") && answer.contains("a limit of zero"))
    }

    @Test func kserveHearsOfItItsOwnWay() {
        var driver = FlowDriver(QoSMemory(), .with { $0.requests = Rate(0, per: .second) })
        driver.client(Text.post(path: "/v2/models/m/infer"))
        #expect(
            driver.takeClient().hasSuffix(
                #"{"error":"The model 'm' has reached a limit of zero on requests. Try again in 2m0s."}"#))
    }

    @Test func aLargeRequestThatIsRefusedClosesTheConnection() {
        var driver = FlowDriver(QoSMemory(), .with { $0.requests = Rate(0, per: .second) })
        let head = #"{"model":"m","prompt":""#
        driver.client(
            "POST /v1/completions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 900000\r\n\r\n\(head)")
        driver.client(String(repeating: "x", count: 70_000))
        #expect(driver.takeClient().contains("Connection: close\r\n"))
        #expect(driver.takeActions().last == .close(.client))
    }

    @Test func observingLetsPassAndCounts() {
        let memory = QoSMemory()
        var qos = QoS.twoRequests
        qos.mode = .observe
        var driver = FlowDriver(memory, qos)
        for _ in 0..<5 { #expect(driver.exchange().hasPrefix("HTTP/1.1 200 OK\r\n")) }
        #expect(memory.counts(FlowDriver.slot, .requests) == .init(admitted: 2, observed: 3))
        #expect(driver.counters?.counters.rateLimited == 0)
    }

    @Test func aChangeIsInForceWithTheNextRequest() {
        let memory = QoSMemory()
        var driver = FlowDriver(memory, QoS())
        #expect(!driver.exchange().contains("x-ratelimit"))
        memory.put(.twoRequests, "m", slot: FlowDriver.slot)
        #expect(driver.exchange().contains("x-ratelimit-remaining-requests: 1\r\n"))
        memory.release(slot: FlowDriver.slot)
        #expect(!driver.exchange().contains("x-ratelimit"))
    }

    @Test(
        arguments: [
            (0, "0s"), (1, "1ms"), (12_000_000, "12ms"), (12_000_001, "13ms"), (999_000_001, "1s"), (1_000_000_000, "1s"),
            (1_500_000_000, "1.5s"), (1_050_000_000, "1.05s"), (7_661_000_000, "7.661s"), (60_000_000_000, "1m0s"),
            (90_951_000_000, "1m30.951s"), (360_000_000_000, "6m0s"), (3_600_000_000_000, "1h0m0s"),
            (90_061_000_000_000, "25h1m1s"),
        ] as [(UInt64, String)])
    func resetsAreDurations(debt: UInt64, text: String) {
        let memory = QoSMemory()
        var driver = FlowDriver(
            memory,
            .with {
                $0.requests = Rate(1_000_000_000, per: .second); $0.burst = 1 << 60
            })
        // A unit is a nanosecond.
        driver.client(Text.post())
        driver.connected()
        var table = AdmissionTable(memory.page, slots: [FlowDriver.slot], models: ["m"])
        memory.put(
            .with {
                $0.tokens = Rate(1_000_000_000, per: .second); $0.tokenBurst = 1 << 60
            }, "m", slot: FlowDriver.slot)
        if debt > 0 { _ = table.admit(0, tokens: debt, prompt: 0, now: driver.context.now) }
        driver.upstream(Text.answer)
        #expect(driver.takeClient().contains("x-ratelimit-reset-tokens: \(text)\r\n"))
    }
}
