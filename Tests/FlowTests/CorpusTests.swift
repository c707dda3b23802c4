import Catalog
import Control
import Flow
import Foundation
import Routing
import Telemetry
import Testing

/// Hostile heads and bodies (Tests/Corpus), each given to a flow in one piece and cut at every byte.
@Suite struct CorpusTests {
    struct Corpus: Decodable {
        var cases: [Case]
    }

    struct Case: Decodable, CustomTestStringConvertible, Sendable {
        enum Expectation: String, Decodable { case relay, refuse, any }

        var name: String
        var kind: String
        var bytes: String
        var expect: Expectation
        var status: [Int]
        var why: String

        enum CodingKeys: String, CodingKey {
            case name, kind, expect, status, why
            case bytes = "bytes_base64"
        }

        var testDescription: String { name }

        /// The request as it goes over the wire: bodies get an ordinary head.
        var request: [UInt8] {
            let raw = Data(base64Encoded: bytes).map(Array.init) ?? []
            guard kind == "body" else { return raw }
            let head = "POST /v1/chat/completions HTTP/1.1\r\nHost: broker.test\r\nContent-Type: application/json\r\n"
            return Array("\(head)Content-Length: \(raw.count)\r\n\r\n".utf8) + raw
        }
    }

    static let cases: [Case] = {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Corpus/corpus.json")
        guard let data = try? Data(contentsOf: file), let corpus = try? JSONDecoder().decode(Corpus.self, from: data) else {
            return []
        }
        return corpus.cases
    }()

    /// What a flow made of a request: what it sent on, or the status of its refusal; neither: it waits for more.
    struct Outcome: Hashable {
        var relayed: String?
        var status: Int?
    }

    static func outcome(_ request: [UInt8], step: Int) -> Outcome {
        var driver = FlowDriver()
        var position = 0
        while position < request.count, driver.flow.state != .closing {
            let end = min(request.count, position + step)
            driver.give(.client, Array(request[position..<end]))
            if driver.takeActions().contains(where: { if case .connect = $0 { true } else { false } }) { driver.connected() }
            position = end
        }
        if driver.flow.state != .waiting && driver.flow.state != .closing && driver.flow.state != .idle { driver.ended(.client) }
        let answer = driver.takeClient()
        let sent = driver.takeUpstream()
        let interim = "HTTP/1.1 100 Continue\r\n\r\n"
        let final = answer.hasPrefix(interim) ? String(answer.dropFirst(interim.count)) : answer
        let status = final.isEmpty ? nil : Int(final.dropFirst(9).prefix(3))
        return Outcome(relayed: status == nil && !sent.isEmpty ? sent : nil, status: status)
    }

    @Test func theCorpusIsThere() {
        #expect(Self.cases.count >= 60)
    }

    @Test(arguments: cases) func isReadStrictly(item: Case) {
        let outcome = Self.outcome(item.request, step: max(1, item.request.count))
        switch item.expect {
        case .relay: #expect(outcome.relayed != nil, "\(item.why): \(outcome)")
        case .refuse:
            #expect(outcome.relayed == nil, "\(item.why): \(outcome)")
            if let status = outcome.status, !item.status.isEmpty { #expect(item.status.contains(status), "\(item.why)") }
        case .any:
            if let status = outcome.status { #expect(item.status.contains(status), "\(item.why)") }
        }
    }

    @Test(arguments: cases.filter { $0.request.count < 2000 }) func cutsDoNotMatter(item: Case) {
        let whole = Self.outcome(item.request, step: max(1, item.request.count))
        for step in [1, 2, 3, 7] {
            let cut = Self.outcome(item.request, step: step)
            #expect(cut.status == whole.status && cut.relayed == whole.relayed, "in pieces of \(step)")
        }
    }
}
