import ArgumentParser
import Catalog
import Control
import Testing

@testable import Commands

/// What `explain` asks, and how it says what would become of a request.
@Suite struct ExplainCommandTests {
    private let address = SocketAddress(ip: IPAddress(v4: 10, 0, 0, 1), port: 80)

    private func decision() -> RouteDecision {
        var decision = RouteDecision(kind: "capability", name: "generation.text-generation", strategy: "priority")
        decision.stages = ["resolve: alias text-generation", "access: open"]
        decision.candidates = [
            .init(model: "m", key: EndpointKey(url: "http://a", address: address), score: nil, note: "breaker, 4.2 s left"),
            .init(model: "m", key: EndpointKey(url: "http://b", address: address), score: 1.25, note: "second"),
            .init(model: "m", key: EndpointKey(url: "https://c", address: address), score: .infinity, note: "", isFallback: true),
        ]
        decision.chosen = 1
        return decision
    }

    @Test func decisionsInWords() throws {
        let report = ExplainReport(decision(), model: "text-generation")
        #expect(
            words(report.text(width: nil)) == [
                "request for text-generation", "which is the capability generation.text-generation", "strategy priority",
                "resolve: alias text-generation", "access: open", "MODEL ENDPOINT ADDRESS SCORE WHY",
                "m http://a 10.0.0.1:80 - breaker, 4.2 s left", "-> m http://b 10.0.0.1:80 1.25 second",
                "m https://c * 10.0.0.1:80 - -", "goes to http://b (m, 10.0.0.1:80)",
            ])
        #expect(try same(report))
        #expect(report.chosen?.url == "http://b")
        #expect(try json(report).contains(#""isChosen":true"#))
    }

    @Test func podsInWords() throws {
        var report = ExplainReport(decision(), model: "text-generation")
        #expect(try !json(report).contains("pods"))
        report.pods = [
            .init(name: "shop/a", serviceAccount: "till", client: "checkout", isExempt: false),
            .init(name: "shop/b", serviceAccount: "", client: nil, isExempt: false),
            .init(name: "shop/c", serviceAccount: "x", client: "checkout", isExempt: true),
        ]
        #expect(
            words(report.text(width: nil))[3..<6] == [
                "made by shop/a, service account till, client checkout", "shop/b, nobody's client",
                "shop/c, service account x, whose connections are not captured",
            ])
        #expect(try same(report))
        report.pods = (0..<13).map { .init(name: "p/\($0)", serviceAccount: "", client: "c", isExempt: false) }
        #expect(words(report.text(width: nil)).contains("and 3 other pods"))
    }

    @Test func waitingInWords() throws {
        var waiting = decision()
        (waiting.chosen, waiting.line) = (nil, .init(model: "m", group: "gold", place: 3, wait: 2_500))
        let report = ExplainReport(waiting, model: "x")
        #expect(words(report.text(width: nil)).last == "waits at place 3 of the group gold for m, for about 2s")
        waiting.line?.wait = nil
        let unknown = ExplainReport(waiting, model: "x")
        #expect(words(unknown.text(width: nil)).last == "waits at place 3 of the group gold for m")
        #expect(try same(report) && same(unknown) && report.refusal == nil)
    }

    @Test func refusalsInWords() throws {
        var refused = decision()
        (refused.chosen, refused.status, refused.refusal) = (nil, 503, "no_endpoint_available, retry after 4 s")
        let report = ExplainReport(refused, model: "x")
        #expect(words(report.text(width: nil)).last == "is refused 503 no_endpoint_available, retry after 4 s")
        #expect(report.status == 503 && report.chosen == nil)
        let unknown = ExplainReport(RouteDecision(name: "x\u{1B}[2J"), model: "x\u{1B}[2J")
        #expect(
            words(unknown.text(width: nil)) == ["request for x\\u{1B}[2J", "which is nothing of that name", "is refused yes"])
        // An index that is none must not bring the agent down.
        var odd = decision()
        odd.chosen = 17
        #expect(ExplainReport(odd, model: "x").chosen == nil)
    }

    @Test(
        arguments: [
            (0, "0"), (0.25, "0.25"), (17, "17"), (1234.5, "1234.5"), (-1.5, "-1.5"), (0.00001, "0"), (-0.00001, "0"),
            (9.99999, "10"),
            (1e300, "1e+300"), (.nan, "nan"),
        ] as [(Double, String)])
    func scores(value: Double, text: String) {
        #expect(Units.score(value) == text)
    }

    @Test func aPodOrAClient() throws {
        let command = try ModelBroker.parseAsRoot(["explain", "--model", "chat", "--pod", "shop/a"]) as? ExplainCommand
        #expect(command?.pod == "shop/a" && command?.client == nil)
        #expect(throws: (any Error).self) {
            try ModelBroker.parseAsRoot(["explain", "--model", "chat", "--pod", "shop/a", "--client", "c"])
        }
    }

    @Test func explainTakesHeaders() throws {
        let command = try #require(
            try ModelBroker.parseAsRoot([
                "explain", "--model", "chat", "--client", "c", "--header", "X-Session-ID=4=2", "--header", "a: b", "--user", "u",
                "--prompt", "Hello",
            ]) as? ExplainCommand)
        #expect(command.headers == [.init(name: "x-session-id", value: "4=2"), .init(name: "a", value: "b")])
        #expect(command.model == "chat" && command.client == "c" && command.user == "u" && command.prompt == "Hello")
    }
}
