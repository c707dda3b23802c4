import Catalog
import Identity
import Testing

@Suite struct ClientDirectoryTests {
    private static let referred = "sk-a-key-that-somebody-chose"
    private static let late = "sk-a-key-that-is-no-longer-used"

    private func directory(_ clients: [Client], managed: [(client: String, key: APIKey)] = []) -> ClientDirectory {
        ClientDirectory(
            Catalog(clients: clients, authentication: Authentication(anonymous: .deny)), managed: managed)
    }

    private func find(_ key: String, in directory: ClientDirectory, at epoch: Int64 = 1_000) -> KeyFinding {
        let bytes = Array(key.utf8)
        return directory.find(key: bytes.span, epoch: epoch)
    }

    @Test func findsKeysOfEveryOrigin() throws {
        let written = try #require(NewKey())
        let managed = try #require(NewKey(id: "zz"))
        let stray = try #require(NewKey())
        let directory = directory(
            [
                Client(name: "a", keys: [KeyDigest.shared(id: "a/1", key: Self.referred), written.key]), Client(name: "b"),
            ], managed: [("b", managed.key), ("gone", stray.key)])
        for (key, client, id) in [
            (Self.referred, 0, "a/1"), (written.secret.reveal, 0, written.key.id), (managed.secret.reveal, 1, "zz"),
        ] {
            guard case .client(let number, let index) = find(key, in: directory) else {
                Issue.record("\(id) is not found")
                continue
            }
            #expect(number == client && directory.keyID(index) == id)
        }
        #expect(find(stray.secret.reveal, in: directory) == .unknown, "its client is not there")
        #expect(directory.count == 2 && directory.name(1) == "b" && directory.number(of: "b") == 1)
        #expect(
            directory.name(2) == "" && directory.name(-1) == "" && directory.number(of: "c") == nil && directory.keyID(9) == "")
    }

    @Test func whatIsNearlyAKeyIsNone() throws {
        let made = try #require(NewKey())
        let other = try #require(NewKey(id: made.key.id))
        let directory = directory([Client(name: "a", keys: [KeyDigest.shared(id: "a/1", key: Self.referred), made.key])])
        #expect(find(other.secret.reveal, in: directory) == .unknown, "the id is public, the secret counts")
        let texts = [
            "", "mb_", Self.referred + "x", String(Self.referred.dropLast()), Self.referred.uppercased(), Self.referred + "\0",
            "mb_\(made.key.id)_", String(made.secret.reveal.dropLast()) + "!", KeyDigest.stored(made.key),
            String(repeating: "a", count: 100_000),
        ]
        for text in texts { #expect(find(text, in: directory) == .unknown) }
        for text in [[0xFF, 0xFE], Array(repeating: 0x80, count: 64), Array(repeating: 0, count: 57)] as [[UInt8]] {
            let finding = directory.find(key: text.span, epoch: 0)
            #expect(finding == .unknown)
        }
    }

    /// Rotation: the old key is valid for a while beside the new one.
    @Test func keysHaveTimes() throws {
        let next = try #require(NewKey(id: "next", notBefore: 500, expires: 2_000))
        let directory = directory([
            Client(name: "a", keys: [KeyDigest.shared(id: "a/1", key: Self.late, expires: 1_000), next.key])
        ])
        func finding(_ key: String, _ epoch: Int64) -> String {
            switch find(key, in: directory, at: epoch) {
            case .unknown: "unknown"
            case .client(_, let index): directory.keyID(index)
            case .expired(let index): "expired \(directory.keyID(index))"
            case .early(let index): "early \(directory.keyID(index))"
            }
        }
        #expect(finding(Self.late, 999) == "a/1" && finding(Self.late, 1_000) == "expired a/1")
        #expect(finding(next.secret.reveal, 499) == "early next" && finding(next.secret.reveal, 500) == "next")
        #expect(finding(next.secret.reveal, 1_999) == "next" && finding(next.secret.reveal, 2_000) == "expired next")
    }

    /// A key by reference may look like one that the broker made, by another broker, say.
    @Test func aReferredKeyMayHaveAnyForm() throws {
        let foreign = try #require(NewKey()).secret.reveal
        let directory = directory([Client(name: "a", keys: [KeyDigest.shared(id: "ci", key: foreign)])])
        guard case .client(0, _) = find(foreign, in: directory) else {
            Issue.record("not found")
            return
        }
    }

    @Test func ofTwoAlikeTheFirstCounts() throws {
        let made = try #require(NewKey())
        let directory = directory(
            [
                Client(name: "a", keys: [KeyDigest.shared(id: "z", key: Self.referred), made.key]),
                Client(name: "b", keys: [KeyDigest.shared(id: "b", key: Self.referred)]),
            ], managed: [("b", made.key)])
        for key in [Self.referred, made.secret.reveal] {
            guard case .client(0, _) = find(key, in: directory) else {
                Issue.record("not the first one's")
                continue
            }
        }
    }

    @Test func manyKeysAreFoundEach() throws {
        let keys = (0..<300).compactMap { _ in NewKey() }
        let texts = (0..<300).map { "sk-number-\($0)-of-many-keys" }
        let clients = (0..<300).map {
            Client(name: "c\($0)", keys: [keys[$0].key, KeyDigest.shared(id: "c\($0)/1", key: texts[$0])])
        }
        let directory = directory(clients)
        for number in 0..<300 {
            for key in [keys[number].secret.reveal, texts[number]] {
                guard case .client(number, _) = find(key, in: directory) else {
                    Issue.record("key of client \(number)")
                    continue
                }
            }
        }
    }

    @Test func brokenDigestsAreNoKeys() {
        let broken = APIKey(id: "x", salt: [], digest: [])
        let directory = directory([Client(name: "a", keys: [broken])])
        #expect(find("any key that is long enough", in: directory) == .unknown)
    }

    @Test func whoIsOpenAndWhoIsAnonymous() {
        #expect(ClientDirectory().isOpen && ClientDirectory().anonymous == nil)
        let clients = [Client(name: "a"), Client(name: "guest")]
        let catalog = { ClientDirectory(Catalog(clients: clients, authentication: Authentication(anonymous: $0))) }
        #expect(catalog(.open).isOpen && catalog(.open).anonymous == nil)
        #expect(!catalog(.deny).isOpen && catalog(.deny).anonymous == nil)
        #expect(!catalog(.client("guest")).isOpen && catalog(.client("guest")).anonymous == 1)
        #expect(!catalog(.client("gone")).isOpen && catalog(.client("gone")).anonymous == nil)
    }

    @Test func tokensAreToldByTheirShape() {
        let issuer = Issuer(name: "i", issuer: "i", algorithms: [.hs256], keys: .file("/k"))
        let directory = ClientDirectory(
            Catalog(authentication: Authentication(anonymous: .deny, issuers: [issuer])))
        let judged = { (text: String) in
            let bytes = Array(text.utf8)
            return directory.mayBeToken(bytes.span)
        }
        #expect(judged("eyJ.a.b") && judged("eyJ..") && !judged("eyJ.a") && !judged("eyJ.a.b.c") && !judged("eyK.a.b"))
        #expect(!judged("") && !judged("eyJ") && !judged("sk-.a.b") && !judged("EYJ.a.b"))
        let text = Array("eyJ.a.b".utf8)
        let isToken = ClientDirectory().mayBeToken(text.span)
        #expect(!isToken, "nobody signs tokens")
    }
}
