import Catalog
import Kubernetes
import Logging
import Synchronization
import TLSFixtures
import Testing

@testable import Agent

@Suite struct StreamReaderTests {
    private final class Heard {
        var status: Int?
        var body: [UInt8] = []
    }

    private func read(_ text: String, by size: Int, upTo limit: Int = .max) -> (ReplyReader.Step, Heard) {
        let heard = Heard()
        var reader = StreamReader(
            head: { heard.status = $0 },
            take: {
                heard.body += $0
                return heard.body.count < limit
            })
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let step = reader.feed(rest.prefix(size))
            guard step == .more else { return (step, heard) }
            rest = rest.dropFirst(size)
        }
        return (reader.end(), heard)
    }

    @Test(
        arguments: [1, 3, 1_000],
        [
            "Content-Length: 11\r\n\r\nhello world", "\r\nhello world",
            "Transfer-Encoding: chunked\r\n\r\n6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n",
        ])
    func handsOnTheBody(size: Int, rest: String) {
        let (step, heard) = read("HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\n" + rest, by: size)
        #expect(step == .done(Reply(status: 200)))
        #expect(heard.status == 200)
        #expect(heard.body == Array("hello world".utf8))
    }

    @Test func saysWhenTheBodyWasCut() {
        let (step, heard) = read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello \r\n", by: 9)
        #expect(step == .failed("closed in the middle of an answer"))
        #expect(heard.body == Array("hello ".utf8))
    }

    @Test func endsWhenNothingMoreIsWanted() {
        let (step, heard) = read(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello \r\n5\r\nworld\r\n", by: 1_000, upTo: 6)
        #expect(step == .done(Reply(status: 200)))
        #expect(heard.body == Array("hello ".utf8))
    }

    @Test(arguments: [
        "", "garbage\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx",
    ])
    func isStrict(text: String) {
        guard case .failed = read(text, by: 100).0 else { return #expect(Bool(false)) }
    }
}

@Suite struct ServiceTokenTests {
    private final class Holder {
        var token: ServiceToken
        init(_ file: String?) { token = ServiceToken(file: file) }
        func line() throws -> String? { try token.line() }
    }

    @Test func isReadAgainWhenItChanges() throws {
        let scratch = try Scratch()
        try scratch.write("first\n", to: "token")
        let token = Holder(scratch["token"])
        #expect(try token.line() == "Authorization: Bearer first")
        try scratch.write("second", to: "token")
        #expect(try token.line() == "Authorization: Bearer second")
        #expect(try Holder(nil).line() == nil)
    }

    @Test(arguments: ["", " \n", "bad\u{1}token", "tökén"])
    func isNothingElse(text: String) throws {
        let scratch = try Scratch()
        try scratch.write(text, to: "token")
        #expect(throws: KubernetesFault.self) { try Holder(scratch["token"]).line() }
        #expect(throws: KubernetesFault.self) { try Holder(scratch["nothing"]).line() }
    }
}

@Suite struct ClusterWatchTests {
    /// What is told, and how to end it.
    private final class Told: Sendable {
        let pods = Mutex<[Known<Pod>]>([])
        let states = Mutex<[ClusterState]>([])

        var names: [String]? { pods.withLock { $0.last?.store.sorted.map(\.metadata.name) } }
        var condition: ReflectorCondition? { states.withLock { $0.last?.condition } }
    }

    private static let list =
        #"{"metadata":{"resourceVersion":"5"},"items":[{"metadata":{"name":"a","namespace":"x","uid":"1"}}]}"#
    private static let added =
        #"{"type":"ADDED","object":{"metadata":{"name":"b","namespace":"x","uid":"2","resourceVersion":"6"}}}"# + "\n"

    /// Runs a watch while the body does.
    private func watching(
        _ cluster: Cluster, file: String? = nil, _ body: (ClusterWatch, Told) async throws -> Void
    ) async throws {
        let told = Told()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let watch = ClusterWatch(
            logger: logger,
            resources: { cluster in
                var settings = ReflectorSettings(query: Pod.query(node: cluster.node))
                settings.firstWait = 20_000_000
                settings.longestWait = 100_000_000
                return [
                    Following<Pod>("pods", settings, file: file, logger: logger) { known in
                        told.pods.withLock { $0.append(known) }
                    }
                ]
            }, told: { state, _ in told.states.withLock { $0.append(state) } })
        watch.adopt(cluster)
        let service = Task { try await watch.run() }
        defer { service.cancel() }
        try await body(watch, told)
    }

    private func server() throws -> FakeAPIServer {
        try FakeAPIServer { $0.contains("watch=1") ? .watch("") : .whole(200, Self.list) }
    }

    @Test func followsAndComesBack() async throws {
        let scratch = try Scratch()
        try scratch.write("one", to: "token")
        let server = try server()
        let cluster = Cluster(server: "http://\(server.address)", tokenFile: scratch["token"], node: "n1")
        try await watching(cluster, file: scratch["pods.json"]) { watch, told in
            #expect(await eventually { server.watches == 1 && told.names == ["a"] })
            #expect(told.condition == .synced)
            #expect(
                server.requests[0].hasPrefix(
                    "GET /api/v1/pods?fieldSelector=spec.nodeName%3Dn1&limit=500&resourceVersion=0 HTTP/1.1\r\n"))
            #expect(server.requests[0].contains("\r\nAuthorization: Bearer one\r\n"))
            // In the middle of a line, and of a chunk's data.
            server.tell(String(Self.added.prefix(40)))
            server.tell(String(Self.added.dropFirst(40)))
            #expect(await eventually { told.names == ["a", "b"] })
            try scratch.write("two", to: "token")
            server.tell(String(Self.added.prefix(40)))
            server.cut()
            #expect(await eventually { server.watches == 1 })
            #expect(server.requests.last?.contains("&resourceVersion=6&") == true)
            #expect(server.requests.last?.contains("\r\nAuthorization: Bearer two\r\n") == true)
            #expect(await eventually { File.exists(scratch["pods.json"]) })
            watch.adopt(nil)
            #expect(await eventually { watch.state == nil })
        }
        // Another agent, while nobody answers.
        let gone = Cluster(server: "http://127.0.0.1:1", node: "n1")
        try await watching(gone, file: scratch["pods.json"]) { _, told in
            #expect(await eventually { told.names?.first == "a" })
            #expect(await eventually { told.condition?.isAway == true })
            #expect(told.names?.first == "a")
        }
    }

    @Test func goesOnToTheListWhenTheVersionIsGone() async throws {
        let lists = Atomic<Int>(0)
        let server = try FakeAPIServer { request in
            guard request.contains("watch=1") else {
                lists.add(1, ordering: .relaxed)
                return .whole(200, Self.list)
            }
            return lists.load(ordering: .relaxed) < 2
                ? .watch(#"{"type":"ERROR","object":{"code":410,"reason":"Expired"}}"# + "\n") : .watch(Self.added)
        }
        try await watching(Cluster(server: "http://\(server.address)", node: "n1")) { _, told in
            #expect(await eventually { told.names == ["a", "b"] })
            #expect(lists.load(ordering: .relaxed) == 2)
        }
    }

    @Test func trustsTheClustersAuthorityAlone() async throws {
        let (authority, stranger) = (try TestAuthority(), try TestAuthority("Somebody"))
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: \(Self.list.utf8.count)\r\n\r\n\(Self.list)"
        let server = try FakeSecureServer(try authority.issue("IP:127.0.0.1"), answer: answer)
        let url = "https://\(server.address)"
        try await watching(Cluster(server: url, caFile: authority.file, node: "n")) { _, told in
            #expect(await eventually { told.names == ["a"] })
        }
        try await watching(Cluster(server: url, caFile: stranger.file, node: "n")) { _, told in
            #expect(await eventually { told.condition?.isAway == true })
            #expect(told.condition == .away(reason: "the server's certificate is from an unknown authority"))
        }
    }

    @Test func writes() async throws {
        let server = try FakeAPIServer { $0.contains("/status ") ? .whole(200, "{}") : .whole(409, #"{"reason":"Conflict"}"#) }
        let writer = APIWriter(cluster: Cluster(server: "http://\(server.address)", node: "n"))
        try await writer.merge("/apis/x/v1/things/a/status", Array("{}".utf8))
        #expect(server.requests.first?.hasPrefix("PATCH /apis/x/v1/things/a/status HTTP/1.1\r\n") == true)
        #expect(server.requests.first?.contains("\r\nContent-Type: application/merge-patch+json\r\n") == true)
        await #expect(throws: APIWriteError("status 409 Conflict", code: 409)) {
            try await writer.merge("/apis/x/v1/things/a", Array("{}".utf8))
        }
    }
}
