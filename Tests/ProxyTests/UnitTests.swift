import Catalog
import Control
import Glibc
import Reactor
import Routing
import TLS
import TLSFixtures
import Testing

@testable import Proxy

/// The end of an answer is found however it is cut.
@Suite struct AnswerEndTests {
    private static let answers: [(String, AnswerEnd.Verdict, AnswerEnd.Verdict)] = [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", .finished, .malformed),
        ("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", .unfinished, .malformed),
        ("HTTP/1.1 204 No Content\r\n\r\n", .finished, .malformed),
        ("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", .finished, .malformed),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", .finished, .malformed),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", .unfinished, .malformed),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", .finished, .malformed),
        ("HTTP/1.1 200 OK\r\n\r\nuntil the close", .unfinished, .finished),
        ("HTTP/1.1 200", .unfinished, .malformed),
        ("SSH-2.0-x\r\n\r\n", .malformed, .malformed),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz", .malformed, .malformed),
    ]

    @Test(arguments: answers.indices, [1, 3, 1 << 20])
    func isFound(index: Int, step: Int) {
        let (text, verdict, atClose) = Self.answers[index]
        let bytes = Array(text.utf8)
        var answer = AnswerEnd()
        var found = AnswerEnd.Verdict.unfinished
        for start in stride(from: 0, to: bytes.count, by: step) where found == .unfinished {
            let piece = Array(bytes[start..<min(start + step, bytes.count)])
            found = answer.take(piece.span)
        }
        #expect(found == verdict)
        if found == .unfinished { #expect(answer.atClose == atClose) }
    }

    @Test func aHeadWithoutEndIsRefused() {
        var answer = AnswerEnd()
        let bytes = Array("HTTP/1.1 200 OK\r\n".utf8) + [UInt8](repeating: 0x61, count: 40 << 10)
        #expect(answer.take(bytes.span) == .malformed)
    }
}

/// Terms of TLS that have not changed stay the same objects.
@Suite struct TLSRegistryTests {
    private func catalog(_ tls: [EndpointTLS]) -> Catalog {
        let endpoints = tls.map { Endpoint(host: "h", port: 443, authority: "h", tls: $0) }
        return Catalog(
            models: [Model(name: "m", endpoints: Array(endpoints.prefix(1)), fallback: Array(endpoints.dropFirst().prefix(1)))],
            pools: [Pool(name: "p", fallback: Array(endpoints.dropFirst(2)))])
    }

    private func context(_ terms: TLSTerms?) throws -> TLSContext {
        guard case .usable(let context)? = terms else { throw TestAuthority.Failure() }
        return context
    }

    @Test func whatHasNotChangedStays() throws {
        let authority = try TestAuthority()
        let (own, system) = (EndpointTLS(serverName: "a", caFile: authority.file), EndpointTLS(serverName: "a"))
        let third = EndpointTLS(serverName: "127.0.0.1")
        var registry = TLSRegistry()
        var faults: [String] = []
        let first = registry.terms(of: catalog([own, system, third])) { faults.append($0) }
        #expect(Set(first.keys) == [own, system, third])
        let second = registry.terms(of: catalog([system, own])) { faults.append($0) }
        #expect(Set(second.keys) == [own, system])
        #expect(try context(first[own]) === context(second[own]))
        #expect(try context(first[system]) === context(second[system]))
        #expect(try context(first[own]) !== context(first[system]))
        #expect(faults.isEmpty)
    }

    @Test func anotherFileMakesOtherTerms() throws {
        let (authority, other) = (try TestAuthority(), try TestAuthority())
        let own = EndpointTLS(serverName: "a", caFile: authority.file)
        var registry = TLSRegistry()
        var faults: [String] = []
        let first = registry.terms(of: catalog([own])) { faults.append($0) }
        rename(other.file, authority.file)
        let second = registry.terms(of: catalog([own])) { faults.append($0) }
        #expect(try context(first[own]) !== context(second[own]))
        // What can't be read does not take away what was.
        unlink(authority.file)
        let third = registry.terms(of: catalog([own])) { faults.append($0) }
        #expect(try context(second[own]) === context(third[own]))
        #expect(faults.count == 1 && faults[0].contains(authority.file) && faults[0].contains("stay"))
    }

    @Test func aFileThatWasNeverReadableSaysSo() throws {
        let own = EndpointTLS(serverName: "a", caFile: "/nonexistent/ca.pem")
        var registry = TLSRegistry()
        var faults: [String] = []
        let terms = registry.terms(of: catalog([own])) { faults.append($0) }
        guard case .unusable(let reason)? = terms[own] else {
            Issue.record("it is usable")
            return
        }
        #expect(reason == "cannot read the authorities in /nonexistent/ca.pem: No such file or directory")
        #expect(faults == [reason])
    }

    @Test func numbersWhoseTermsChangedAreTold() throws {
        let system = try TLSAuthorities()
        let (a, b) = (
            TLSTerms.usable(try TLSContext(serverName: "a", authorities: system)),
            TLSTerms.usable(try TLSContext(serverName: "b", authorities: system))
        )
        var table = TLSTable()
        #expect(table.adopt([a, b]) == [])
        #expect(table.adopt([a, b]) == [])
        #expect(table.adopt([a, a, b]) == [2])
        #expect(table.adopt([.unusable("x"), a, b]) == [1])
        let address = SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 443)
        #expect(throws: ConnectFault.self) { _ = try table.leg(1, to: address) }
        #expect(throws: ConnectFault.self) { _ = try table.leg(4, to: address) }
        #expect(throws: ConnectFault.self) { _ = try table.leg(.max, to: address) }
        _ = try table.leg(2, to: address)
    }
}

/// Connections wait where they belong, and nowhere else.
@Suite struct UpstreamPoolTests {
    private let address = SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 443)

    private func upstream(_ home: UpstreamPool.IdleList?, slot: Int = 0) throws -> Upstream {
        Upstream(
            token: Token(.upstream, slot: slot), descriptor: Descriptor(owning: dup(0)), home: home, tls: nil)
    }

    @Test func plainAndSecureAreNeverMixed() throws {
        var pool = UpstreamPool()
        let (plain, secure, other) = (pool.home(address, tls: 0), pool.home(address, tls: 1), pool.home(address, tls: 2))
        let kept = try upstream(secure)
        #expect(pool.put(kept))
        #expect(pool.take(plain) == nil)
        #expect(pool.take(other) == nil)
        #expect(pool.take(pool.home(address, tls: 1)) === kept)
        #expect(pool.take(secure) == nil)
        #expect(!pool.put(try upstream(nil)))
    }

    @Test func theLatestIsTheFirstToGo() throws {
        var pool = UpstreamPool()
        let home = pool.home(address, tls: 0)
        let kept = try (0..<3).map { try upstream(home, slot: $0) }
        for upstream in kept { #expect(pool.put(upstream)) }
        pool.remove(kept[1])
        #expect(pool.take(home) === kept[2])
        #expect(pool.take(home) === kept[0])
        #expect(pool.take(home) == nil)
    }

    @Test func whatIsForgottenIsNotGivenBackTo() throws {
        var pool = UpstreamPool()
        let home = pool.home(address, tls: 3)
        let (kept, used) = (try upstream(home), try upstream(home, slot: 1))
        #expect(pool.put(kept))
        pool.prune()
        #expect(pool.home(address, tls: 3) === home)
        #expect(pool.takeAll(under: 3).map(ObjectIdentifier.init) == [ObjectIdentifier(kept)])
        #expect(!pool.put(used))
        #expect(pool.home(address, tls: 3) !== home)
        let empty = pool.home(address, tls: 4)
        pool.prune()
        #expect(pool.home(address, tls: 4) !== empty)
    }

    @Test func thereIsALimit() throws {
        var pool = UpstreamPool()
        let home = pool.home(address, tls: 0)
        for slot in 0..<UpstreamPool.limit { #expect(pool.put(try upstream(home, slot: slot))) }
        #expect(!pool.put(try upstream(home)))
    }
}

/// Several loops' findings are told once, and counted together.
@Suite struct LoopSumsTests {
    private func notice(_ change: RoutingNotice.Change, _ number: EndpointNumber = 1) -> RoutingNotice {
        RoutingNotice(number: number, change: change)
    }

    @Test func whatTwoLoopsFindIsToldOnce() {
        let peers = LoopPeers([])
        #expect(peers.isNews(notice(.standby(.breaker, until: 100)), now: 10))
        #expect(!peers.isNews(notice(.standby(.breaker, until: 110)), now: 20))
        #expect(peers.isNews(notice(.standby(.cooldown, until: 50)), now: 20))
        #expect(peers.isNews(notice(.standby(.breaker, until: 100), 2), now: 20))
        #expect(peers.isNews(notice(.active(.breaker)), now: 60))
        #expect(!peers.isNews(notice(.active(.breaker)), now: 60))
        #expect(!peers.isNews(notice(.active(.authentication)), now: 60))
        // A cooldown ends by itself; the next one is another.
        #expect(peers.isNews(notice(.standby(.cooldown, until: 200)), now: 60))
    }

    @Test func othersHearOfItAndTheFinderDoesNot() throws {
        let mailboxes = try (0..<3).map { _ in try Mailbox<WorkerMessage>() }
        LoopPeers(mailboxes).post(notice(.active(.breaker)), from: 1)
        #expect(mailboxes.map { $0.takeAll().count } == [1, 0, 1])
    }

    private func record(_ change: (inout EndpointRecord) -> Void) -> EndpointRecord {
        var record = EndpointRecord(
            model: "m", key: EndpointKey(url: "u", address: SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 1)))
        change(&record)
        return record
    }

    @Test func endpointsAreSummed() throws {
        let first = record {
            ($0.inFlight, $0.requests, $0.failures, $0.firstByteMean, $0.latencyMean) = (5, 10, 1, 100, 0)
            ($0.standby, $0.detail, $0.remaining, $0.limitUse) = (.cooldown, "asked", 4, nil)
        }
        let second = record {
            ($0.inFlight, $0.requests, $0.failures, $0.firstByteMean, $0.latencyMean) = (5, 30, 2, 200, 7)
            ($0.standby, $0.detail, $0.remaining, $0.breaker, $0.limitUse) = (.breaker, "reset", 9, .open, 80)
        }
        let third = record { $0.fallbacks = 3 }
        for order in [[first, second, third], [third, second, first], [second, first, third]] {
            var sums = RoutingSums()
            for record in order { sums.add([NumberedRecord(number: 1, record: record)]) }
            let sum = try #require(sums.endpointRecords.first)
            #expect(sums.endpointRecords.count == 1)
            #expect((sum.inFlight, sum.requests, sum.failures, sum.fallbacks) == (5, 40, 3, 3))
            #expect((sum.firstByteMean, sum.latencyMean) == (175, 7))
            #expect(sum.standby == .breaker && sum.detail == "reset" && sum.remaining == 9)
            #expect(sum.breaker == .open && sum.limitUse == 80)
        }
    }

    @Test func routesAreSummedByName() {
        var (first, second) = (RouteRecord(name: "a"), RouteRecord(name: "b"))
        (first.requests, first.retries, second.mirrorFailures) = (3, 2, 1)
        var sums = RoutingSums()
        sums.add([first, second])
        sums.add([second, first])
        #expect(sums.routeRecords.map(\.name) == ["a", "b"])
        #expect(sums.routeRecords[0].requests == 6 && sums.routeRecords[0].retries == 4)
        #expect(sums.routeRecords[1].mirrorFailures == 2)
    }
}
