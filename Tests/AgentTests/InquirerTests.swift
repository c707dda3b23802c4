import Catalog
import Logging
import Synchronization
import Testing

@testable import Agent

@Suite struct InquirerTests {
    private final class Heard: Sendable {
        private let list = Mutex<[Inquiry.Outcome]>([])
        var all: [Inquiry.Outcome] { list.withLock { $0 } }
        func add(_ outcome: Inquiry.Outcome) { list.withLock { $0.append(outcome) } }
    }

    private static var quiet: Logger {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }

    /// - Parameter timeout: in nanoseconds: long enough for every answer that comes.
    private static func plan(
        _ addresses: [SocketAddress], limit: Int? = nil, request: String? = nil, timeout: UInt64 = 20_000_000_000
    ) -> InquiryPlan {
        let endpoint = Endpoint(host: "e", port: 80, authority: "e")
        return InquiryPlan(
            addresses: addresses,
            request: request.map { Array($0.utf8) } ?? InquiryRequest.bytes("GET", "/v1/models", to: endpoint),
            period: 20_000_000, timeout: timeout, bodyLimit: limit)
    }

    /// What is heard of one errand, until it is enough.
    private func ask(
        _ plan: InquiryPlan, until enough: @escaping ([Inquiry.Outcome]) -> Bool = { !$0.isEmpty }
    ) async throws -> [Inquiry.Outcome] {
        let heard = Heard()
        let inquirer = Inquirer(logger: Self.quiet) { heard.add($1) }
        let running = Task { try await inquirer.run() }
        defer { running.cancel() }
        inquirer.watch([(Errand(purpose: .health, url: "http://e", address: nil), plan)])
        #expect(await eventually { enough(heard.all) })
        return heard.all
    }

    /// An answer that may take for ever does not hold up the next question when it comes at once.
    @Test func theNextTurnComesLongBeforeTheTimeLimit() async throws {
        let server = try FakeServer(FakeServer.http(503))
        var plan = Self.plan([server.address])
        plan.timeout = 1_000_000_000_000
        #expect(try await ask(plan) { $0.count >= 3 }.count >= 3)
    }

    @Test func asksAndReadsTheHead() async throws {
        let server = try FakeServer(.slowly("HTTP/1.1 404 Not Found\r\nContent-Length: 9999\r\n\r\nab"))
        #expect(try await ask(Self.plan([server.address])).first == .replied(Reply(status: 404)))
        #expect(server.requests.first?.hasPrefix("GET /v1/models HTTP/1.1\r\nHost: e\r\n") == true)
    }

    @Test func readsABodyUpToItsLimit() async throws {
        let server = try FakeServer(FakeServer.http(200, String(repeating: "x", count: 100_000)))
        let heard = try await ask(Self.plan([server.address], limit: 1 << 20))
        guard case .replied(let reply) = heard.first else {
            Issue.record("\(heard)")
            return
        }
        #expect(reply.body.count == 100_000)
        let short = try await ask(Self.plan([server.address], limit: 10))
        #expect(short.first == .failed(reason: "the answer is longer than 10 bytes"))
    }

    @Test func silenceAndSilentEndsAreFailures() async throws {
        let server = try FakeServer(.silence)
        let silent = try await ask(Self.plan([server.address], timeout: 300_000_000))
        #expect(silent.first == .failed(reason: "no answer in 300 ms"))
        server.answer(.nothing)
        #expect(try await ask(Self.plan([server.address])).first == .failed(reason: "closed without an answer"))
    }

    @Test func whatIsNotWantedAnyMoreIsLet() async throws {
        let server = try FakeServer(.silence)
        var plan = Self.plan([server.address])
        plan.timeout = 60_000_000_000
        let inquirer = Inquirer(logger: Self.quiet) { _, _ in }
        let running = Task { try await inquirer.run() }
        defer { running.cancel() }
        inquirer.watch([(Errand(purpose: .health, url: "http://e", address: nil), plan)])
        #expect(await eventually { server.open == 1 })
        inquirer.watch([])
        #expect(await eventually { server.open == 0 })
    }

    @Test func nobodyThereIsAFailureAndTheNextAddressIsAsked() async throws {
        let server = try FakeServer(FakeServer.http(200))
        let nobody = SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 1)
        let heard = try await ask(Self.plan([nobody, server.address])) { $0.count >= 2 }
        #expect(Array(heard.prefix(2)) == [.failed(reason: "Connection refused"), .replied(Reply(status: 200))])
    }

    /// Somebody who has answered is asked again after the period, not only when the answer would have been late.
    @Test func aLongTimeoutPutsNothingOff() async throws {
        let server = try FakeServer(FakeServer.http(200))
        let heard = try await ask(Self.plan([server.address], timeout: 600_000_000_000)) { $0.count >= 5 }
        #expect(heard.allSatisfy { $0 == .replied(Reply(status: 200)) })
    }

    @Test func aConnectionCanBeEnough() async throws {
        let server = try FakeServer(.nothing)
        #expect(try await ask(Self.plan([server.address], request: "")).first == .connected)
    }
}
