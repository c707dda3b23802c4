import Catalog
import Configuration
import Testing

/// What clients may call, and how much, of which model, at which price.
@Suite struct AllowanceTests {
    @Test func accessRules() throws {
        let parsed = try catalog(
            """
            models: {llama-70b: {endpoints: [http://h], capabilities: [chat-completion]}, gpt: {endpoints: [http://i]}}
            pools: {chat: {models: [gpt]}}
            clients:
              a:
                allow:
                  - chat
                  - {names: ["gpt*", chat-completion], operations: [chat, admin], times: ["mon-fri 08:00-18:00", "sat,sun 00:00-24:00"]}
                  - "llama-*"
                deny: [nothing-now-*, {name: no-night-batch, names: "*", operations: embeddings, times: "22:00-06:00"}]
              b: {allow: {names: gpt}}
            """)
        #expect(
            parsed.clients.first?.allow == [
                AccessRule(names: ["chat", "llama-*"]),
                AccessRule(
                    names: ["gpt*", "generation.text-generation.chat-completion"], operations: Operations([.chat, .admin]),
                    times: [TimeWindow(days: 0b011_1110, from: 480, to: 1_080), TimeWindow(days: 0b100_0001)]),
            ])
        #expect(
            parsed.clients.first?.deny == [
                AccessRule(names: ["nothing-now-*"]),
                AccessRule(
                    names: ["*"], operations: Operations([.embeddings]), times: [TimeWindow(from: 1_320, to: 360)],
                    name: "no-night-batch"),
            ])
        #expect(parsed.clients.last?.allow == [AccessRule(names: ["gpt"])])
    }

    @Test func accessFaults() {
        let found = faults(
            """
            models: {llama: {endpoints: [http://h]}}
            clients:
              a:
                allow:
                  - lama
                  - {names: [], operations: [], times: }
                  - {names: [lama, llama, llama], operations: [chta, dance]}
                  - {operations: chat}
                  - {names: llama, times: ["8:00-18:00", "08:00-24:01", "25:00-26:00", "08:00-08:00", "mo 08:00-09:00", "24:00-01:00"]}
                  - {names: llama, name: "a b", time: x}
                  -
            """)
        let hours = "hours in UTC, as 22:00-06:00, mon-fri 08:00-18:00 or sat,sun 00:00-24:00"
        let times = "line 9: clients.a.allow[4].times"
        #expect(
            found == [
                "line 5: clients.a.allow[0]: \"lama\" is not under models; did you mean llama?",
                "line 6: clients.a.allow[1].names: names nothing; \"*\" is every model and pool",
                "line 6: clients.a.allow[1].operations: names no operation; leave it out for all but admin",
                "line 6: clients.a.allow[1].times: names no time; leave it out for all times",
                "line 7: clients.a.allow[2].names[0]: \"lama\" is not under models; did you mean llama?",
                "line 7: clients.a.allow[2].names[2]: \"llama\" is given twice; the first is on line 7",
                "line 7: clients.a.allow[2].operations[0]: \"chta\" is not an operation; did you mean chat?",
                "line 7: clients.a.allow[2].operations[1]: \"dance\" is not an operation; there are chat, embeddings, list, other, admin",
                "line 8: clients.a.allow[3]: has no names; write {names: [\"llama-*\"], operations: [chat], times: [\"mon-fri 08:00-18:00\"]}",
                "\(times)[0]: \"8:00-18:00\" is not \(hours)", "\(times)[1]: \"08:00-24:01\" is not \(hours)",
                "\(times)[2]: \"25:00-26:00\" is not \(hours)",
                "\(times)[3]: \"08:00-08:00\" begins when it ends; for the whole day write 00:00-24:00",
                "\(times)[4]: \"mo 08:00-09:00\" has no days from mon to sun; write \(hours)",
                "\(times)[5]: \"24:00-01:00\" is not \(hours)",
                "line 10: clients.a.allow[5].time: is not a known key; did you mean times?",
                "line 10: clients.a.allow[5].name: \"a b\" is not a name: 1 to 63 letters, digits, dots, underscores or hyphens",
                "line 11: clients.a.allow[6]: has no value",
            ])
    }

    @Test func daysGoOverTheEndOfTheWeek() throws {
        let parsed = try catalog(
            "clients: {a: {deny: [{names: \"*\", times: [\"fri-mon 22:00-00:00\", \"sun 00:00-01:00\", \"mon-mon 00:00-01:00\"]}]}}"
        )
        #expect(parsed.clients.first?.deny.first?.times.map(\.days) == [0b110_0011, 0b000_0001, 0b000_0010])
        #expect(parsed.clients.first?.deny.first?.times.first?.to == 0)
    }

    @Test func limitsAndQuotas() throws {
        let parsed = try catalog(
            """
            models:
              m: {endpoints: [http://h], limits: {tokens: 1000/s}, quotas: {day: {requests: 5}}, price: {input: 2.5, output: 10},
                  contextLength: 131072, streamUsage: leave}
              n: {endpoints: [http://h]}
            clients:
              a:
                limits: {requests: 100/s, burst: 20, tokens: 600000/m, inputTokens: 5/s, outputTokens: 6/h, concurrent: 0,
                         requestBytes: 1MiB, tokensPerRequest: 8000}
                quotas:
                  day: {tokens: 1000000, requests: 10000, cost: 20.5, alertAt: 90%, onExhausted: rotate}
                  month: {cost: 0.000001, onExhausted: lowPriority}
                models: {m: {limits: {requests: 1/m}, quotas: {month: {tokens: 7}}}, n: {}}
                perSession: {key: user, requests: 10/s, tokens: 1000/m, concurrent: 2, lifetimeRequests: 500}
                perAddress: {requests: 5/s, burst: 1, concurrent: 4, outputTokens: 9/m, tokensPerRequest: 7, requestBytes: 1KiB}
              b: {perSession: {requests: 1/s}, quotas: , limits: }
            """)
        var limits = Allowance()
        limits.requests = Rate(100, per: .second)
        limits.burst = 20
        limits.tokens = Rate(600_000, per: .minute)
        limits.inputTokens = Rate(5, per: .second)
        limits.outputTokens = Rate(6, per: .hour)
        limits.concurrent = 0
        limits.requestBytes = 1 << 20
        limits.tokensPerRequest = 8_000
        limits.quotas = [
            Quota(1_000_000, .tokens, per: .day, alertAt: 90, onExhausted: .rotate),
            Quota(10_000, .requests, per: .day, alertAt: 90, onExhausted: .rotate),
            Quota(20_500_000, .cost, per: .day, alertAt: 90, onExhausted: .rotate),
            Quota(1, .cost, per: .month, onExhausted: .lowPriority),
        ]
        let client = try #require(parsed.clients.first)
        #expect(client.allowance == limits)
        var ofModel = Allowance(quotas: [Quota(7, .tokens, per: .month)])
        ofModel.requests = Rate(1, per: .minute)
        #expect(client.modelAllowances == ["m": ofModel])
        #expect(client.perSession?.key == .user && client.perSession?.lifetimeRequests == 500)
        #expect(client.perSession?.allowance.concurrent == 2 && client.perSession?.allowance.tokens == Rate(1_000, per: .minute))
        #expect(client.perAddress?.burst == 1 && client.perAddress?.concurrent == 4)
        #expect(client.perAddress?.tokensPerRequest == 7 && client.perAddress?.requestBytes == 1_024)
        #expect(parsed.clients.last?.perSession?.key == .header("x-session-id"))
        #expect(parsed.clients.last?.allowance.isEmpty == true)
        let model = try #require(parsed.models.first)
        #expect(model.allowance.tokens == Rate(1_000, per: .second) && model.allowance.quotas == [Quota(5, .requests, per: .day)])
        #expect(model.price == Price(input: 2_500_000, output: 10_000_000) && model.contextLength == 131_072)
        #expect(parsed.models.map(\.asksStreamUsage) == [false, true])
        #expect(parsed.accounts.count == 12)
    }

    @Test func limitFaults() {
        let found = faults(
            """
            models:
              m: {endpoints: [http://h], price: {input: -1}, contextLength: 0, streamUsage: maybe, limits: {request: 1/s}}
            clients:
              a:
                limits: {requests: 5, burst: 20, concurrent: -1, requestBytes: 2GiB, tokensPerRequest: 0}
                quotas: {week: {}, day: {}, month: {tokens: 0, cost: 100000000.000001, alertAt: 101%, onExhausted: stop}}
                models: {n: {limits: {burst: 5}}, m: {limit: {}}}
                perSession: {key: client, request: 5}
                perAddress: {}
              b: {limits: {tokens: 1/s, burst: 5}, perSession: {key: user}, quotas: 5, perAddress: {lifetimeRequests: 5}}
              c: {quotas: {month: {cost: 0, requests: 1000000000001, tokens: 1.5}}}
            """)
        let limits = "requests, burst, tokens, inputTokens, outputTokens, concurrent, requestBytes, tokensPerRequest"
        let none = "sets no limit; there are \(limits)"
        let whole = "is not a whole number from 1 to 1000000000000"
        let money = "is not an amount of money above 0, at most 100000000, with at most six decimals, as 20.5"
        #expect(
            found == [
                "line 2: models.m.limits.request: is not a known key; did you mean requests?",
                "line 2: models.m.price: has no output; write {input: 2.5, output: 10}, of a million tokens",
                "line 2: models.m.price.input: \"-1\" is not a number from 0 to 1000000000 with at most six decimals, as 2.5",
                "line 2: models.m.contextLength: \"0\" is not a whole number from 1 to 1000000000",
                "line 2: models.m.streamUsage: \"maybe\" is not ask or leave",
                "line 5: clients.a.limits.requests: \"5\" is not \(QoSText.rateForm)",
                "line 5: clients.a.limits.concurrent: \"-1\" is not a whole number from 0 to 1000000000",
                "line 5: clients.a.limits.requestBytes: \"2GiB\" is not from 1 byte to 1GiB",
                "line 5: clients.a.limits.tokensPerRequest: \"0\" is not a whole number from 1 to 1000000000",
                "line 6: clients.a.quotas.week: is not a known key; accepted here: day, month",
                "line 6: clients.a.quotas.day: sets no quota; give tokens, requests or cost",
                "line 6: clients.a.quotas.month.alertAt: \"101%\" is not a percentage from 1% to 100%",
                "line 6: clients.a.quotas.month.onExhausted: \"stop\" is not reject or rotate or lowPriority",
                "line 6: clients.a.quotas.month.tokens: \"0\" \(whole)",
                "line 6: clients.a.quotas.month.cost: \"100000000.000001\" \(money)",
                "line 7: clients.a.models.n: \"n\" is not under models",
                "line 7: clients.a.models.n.limits.burst: is the burst of requests, which is not given",
                "line 7: clients.a.models.m.limit: is not a known key; did you mean limits?",
                "line 8: clients.a.perSession.request: is not a known key; did you mean requests?",
                "line 8: clients.a.perSession.key: \"client\" is the client as a whole, whose limits stand under limits",
                "line 8: clients.a.perSession: \(none), lifetimeRequests",
                "line 9: clients.a.perAddress: \(none)",
                "line 10: clients.b.limits.burst: is the burst of requests, which is not given",
                "line 10: clients.b.quotas: must be a mapping of keys and values: day, month",
                "line 10: clients.b.perSession: \(none), lifetimeRequests",
                "line 10: clients.b.perAddress.lifetimeRequests: is not a known key; accepted here: \(limits)",
                "line 10: clients.b.perAddress: \(none)",
                "line 11: clients.c.quotas.month.tokens: \"1.5\" \(whole)",
                "line 11: clients.c.quotas.month.requests: \"1000000000001\" \(whole)",
                "line 11: clients.c.quotas.month.cost: \"0\" \(money)",
            ])
    }

    @Test func onlySoMuchIsCounted() {
        let clients = (0..<9_400).map {
            "  c\($0): {limits: {requests: 1/s, tokens: 1/s}, quotas: {day: {tokens: 1, requests: 1, cost: 1}, "
                + "month: {tokens: 1, requests: 1}}}\n"
        }.joined()
        #expect(
            faults("clients:\n\(clients)") == [
                "line 1: clients: with all models need 65800 limits and quotas to be counted; at most 65536 are possible"
            ])
    }
}
