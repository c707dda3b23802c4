import Catalog
import Control
import Glibc
import Logging
import Testing

@testable import Agent

@Suite struct KeyStoreTests {
    private static let now: UInt64 = 1_795_262_400
    private let salt = String(repeating: "0a", count: 16)
    private let digest = String(repeating: "fF", count: 32)
    private let catalog = Catalog(
        clients: [
            Client(name: "checkout", keys: [APIKey(id: "configured", salt: [1], digest: [2])]), Client(name: "other"),
        ])

    private func store(_ scratch: Scratch) -> KeyStore {
        var quiet = Logger(label: "test")
        quiet.logLevel = .critical
        return KeyStore(file: KeyFile(path: scratch["keys.json"]), logger: quiet, now: Self.now)
    }

    private func request(_ id: String, client: String = "checkout", expires: Int64? = nil) -> KeyRequest {
        KeyRequest(client: client, id: id, salt: salt, digest: digest, expires: expires)
    }

    @Test func keysOutliveTheAgentAndAreForItAlone() throws {
        let scratch = try Scratch()
        let added = try store(scratch).add(request("ci", expires: 1_900_000_000), catalog)
        #expect(added.key.salt == [UInt8](repeating: 10, count: 16) && added.key.digest == [UInt8](repeating: 255, count: 32))
        var facts = stat()
        #expect(stat(scratch["keys.json"], &facts) == 0 && facts.st_mode & 0o777 == 0o600)
        let again = store(scratch)
        #expect(again.keys == [added])
        #expect(try again.revoke("ci") == added)
        #expect(store(scratch).keys.isEmpty)
        #expect(throws: AgentError.self) { try again.revoke("ci") }
        #expect(throws: AgentError.self) { try again.revoke("configured") }
    }

    @Test func whatIsNoKeyIsNotKept() throws {
        let scratch = try Scratch()
        let store = store(scratch)
        let bad = [
            request(""), request("A"), request("a b"), request(String(repeating: "x", count: 65)), request("x", client: "nobody"),
            request("configured"), KeyRequest(client: "checkout", id: "x", salt: "0a", digest: digest),
            KeyRequest(client: "checkout", id: "x", salt: salt, digest: "zz" + digest.dropFirst(2)),
            KeyRequest(client: "checkout", id: "x", salt: salt, digest: digest + "00"),
            KeyRequest(client: "checkout", id: "x", salt: salt, digest: digest, notBefore: 5, expires: 5),
        ]
        for request in bad { #expect(throws: AgentError.self, "\(request)") { try store.add(request, catalog) } }
        _ = try store.add(request("x"), catalog)
        #expect(throws: AgentError.self) { try store.add(request("x", client: "other"), catalog) }
        #expect(store.keys.count == 1)
    }

    @Test(arguments: [
        "{", "[]", "{\"version\":2,\"keys\":[]}",
        "{\"version\":1,\"keys\":[{\"id\":\"x\",\"client\":\"c\",\"salt\":\"00\",\"digest\":\"\"}]}",
    ])
    func aFileThatCannotBeUsedIsKeptAside(text: String) throws {
        let scratch = try Scratch()
        try scratch.write(text, to: "keys.json")
        let store = store(scratch)
        #expect(store.keys.isEmpty)
        #expect(try File.text(scratch["keys.json.unusable-\(Self.now)"]) == text)
        _ = try store.add(request("x"), catalog)
        #expect(self.store(scratch).keys.count == 1)
    }

    /// A directory in its place: nothing can be read or put aside as a file, and nothing is lost.
    @Test func whatCannotBeWrittenIsNotInForce() throws {
        let scratch = try Scratch()
        let store = store(scratch)
        mkdir(scratch["keys.json.new"], 0o700)
        #expect(throws: AgentError.self) { try store.add(request("x"), catalog) }
        #expect(store.keys.isEmpty)
        rmdir(scratch["keys.json.new"])
        _ = try store.add(request("x"), catalog)
    }

    @Test func reportsSayHowKeysStand() {
        let key = { (id: String, from: Int64?, to: Int64?) in APIKey(id: id, salt: [], digest: [], notBefore: from, expires: to) }
        let managed = [
            ManagedKey(client: "checkout", key: key("a", nil, nil)), ManagedKey(client: "checkout", key: key("b", 11, nil)),
            ManagedKey(client: "checkout", key: key("c", nil, 10)), ManagedKey(client: "gone", key: key("d", nil, nil)),
        ]
        let reports = KeyReport.all(catalog, managed, now: 10)
        #expect(reports.map(\.id) == ["configured", "a", "b", "c", "d"])
        #expect(reports.map(\.state) == ["active", "active", "early", "expired", "orphaned"])
        #expect(reports[3].expires == "1970-01-01T00:00:10.000Z" && reports[0].source == "configuration")
    }
}
