import ArgumentParser
import Catalog
import Control
import ControlCoding
import Glibc
import Identity
import Telemetry
import Testing

@testable import Commands

/// What `client`, `quota` and `key` ask of the agent, and what they print of its answers.
@Suite struct CallerCommandTests {
    private let quota = QuotaReport(
        client: "checkout", model: "m", period: "day", unit: "cost", limit: 20_500_000, used: 5_125_000, alertAt: 80,
        onExhausted: "reject", resets: "2027-01-02T00:00:00Z")
    private let key = KeyReport(
        id: "k1", client: "checkout", source: "managed", expires: "2027-01-01T00:00:00Z", state: "expired")

    private var report: ClientReport {
        var counters = ClientCounters()
        counters.requests = 10
        counters.active = 2
        counters.accessRefused = 3
        counters.quotaRefused = 4
        counters.inputTokens = 100
        counters.outputTokens = 50
        counters.cost = 125
        let client = Client(
            name: "checkout", workloads: ["/a"], allow: [AccessRule(names: ["chat", "llama-*"])],
            deny: [
                AccessRule(
                    names: ["*"], operations: Operations([.embeddings]), times: [TimeWindow(from: 1_320, to: 360)], name: "night")
            ], tokens: [TokenMatch(issuer: "corp", claims: ["sub": ["x"]])], certificates: ["CN=a", "dns:b"])
        return ClientReport(
            client, number: 1, keys: [key], isAnonymous: true,
            limits: [
                LimitReport(kind: "requests", limit: "100/s", left: 7, admitted: 10, refused: 1),
                LimitReport(model: "m", kind: "session.tokens", limit: "5/s"),
            ], quotas: [quota], activity: ClientReport.Activity(counters))
    }

    // MARK: - Clients

    @Test func clientsAsATable() {
        let bare = ClientReport(Client(name: "batch", allow: [], deny: ["a", "b", "c", "d", "e"]), number: 2)
        let open = ClientReport(Client(name: "x\u{1B}[2J"), number: 3)
        #expect(
            words(ClientReport.table([report, bare, open], width: nil)) == [
                "CLIENT PROOFS ACCESS REQUESTS REFUSED IN FLIGHT QUOTA",
                "checkout * 1 workload, 1 issuer, 2 certificates chat, llama-*, not * 10 7 2 25% of day.cost for m",
                "batch - nothing, not a, b, c and 2 more - - - -", "x\\u{1B}[2J - all public - - - -",
            ])
    }

    @Test func oneClient() throws {
        #expect(
            words(report.text(width: nil)) == [
                "client checkout", "anonymous whoever proves nothing is this client", "workloads /a", "tokens of corp",
                "certificates CN=a or dns:b", "may call chat, llama-*, not *", "group default",
                "requests 10, 2 under way",
                "refused 7: 4 quota, 3 access", "tokens 100 in, 50 out", "cost 0.000125",
                "RULE NAMES OPERATIONS TIMES NAME", "allow chat, llama-* chat, embeddings, list, other - -",
                "deny * embeddings mon-sun 22:00-06:00 night",
                "KEY CLIENT SOURCE STATE NOT BEFORE EXPIRES", "k1 checkout managed EXPIRED - 2027-01-01T00:00:00Z",
                "LIMIT OF MODEL IS LEFT ADMITTED REFUSED", "requests - 100/s 7 10 1", "session.tokens m 5/s - - -",
                "CLIENT MODEL PER UNIT USED LIMIT % ALERT AT THEN BEGINS AGAIN",
                "checkout m day cost 5.125 20.5 25 80% reject 2027-01-02T00:00:00Z",
            ])
        let line = try ControlLine.encode(report)
        #expect(try ControlLine.decode(ClientReport.self, from: line) == report)
    }

    @Test func numbersThatAreTooLarge() {
        var large = quota
        (large.limit, large.used) = (.max, .max)
        #expect(large.percent == 100)
        large.limit = 0
        #expect(large.percent == 100)
        #expect(Units.money(millionths: 0) == "0" && Units.money(millionths: .max) == "18446744073709.551615")
    }

    // MARK: - Questions

    @Test(
        arguments: [
            (["client", "list"], #"{"command":"clients"}"#, "[]", 0),
            (["client", "show", "a"], #"{"command":"client","name":"a"}"#, nil, 1),
            (["quota", "show"], #"{"command":"quotas","selection":{}}"#, "[]", 0),
            (
                ["quota", "show", "a", "--model", "m", "-j"],
                #"{"command":"quotas","selection":{"client":"a","model":"m"}}"#, "[]", 0
            ),
            (["key", "list"], #"{"command":"keys"}"#, "[]", 0), (["key", "list", "a"], #"{"command":"keys"}"#, "[]", 1),
        ] as [([String], String, String?, Int32)])
    func asksTheAgent(_ arguments: [String], _ request: String, _ data: String?, _ status: Int32) throws {
        let agent = try FakeAgent { connection in
            #expect(connection.line() == request)
            connection.send(data.map { #"{"ok":true,"data":\#($0)}"# + "\n" } ?? #"{"ok":false,"error":"no"}"# + "\n")
        }
        #expect(ModelBroker.run(["--run-dir", agent.directory] + arguments) == status)
    }

    @Test(arguments: [
        ["client", "show"], ["quota", "reset"], ["quota", "reset", "a", "--all"], ["quota", "reset", "--all", "--model", "m"],
        ["quota", "reset", "a", "--period", "week"], ["key", "new"], ["key", "new", "a b"], ["key", "new", "a", "--id", "A_b"],
        ["key", "new", "a", "--expires", "soon"], ["key", "new", "a", "--expires", "2020-01-01"],
        ["key", "new", "a", "--expires", "0d"], ["key", "new", "a", "--not-before", "2d", "--expires", "1d"], ["key", "revoke"],
    ])
    func wrongUsageIsTwo(_ arguments: [String]) {
        #expect(ModelBroker.run(arguments) == 2)
    }

    @Test(arguments: [
        ["client", "list"], ["quota", "show"], ["quota", "reset", "--all"], ["key", "new", "a"], ["key", "list"],
        ["key", "revoke", "x"],
    ])
    func withoutAnAgentItSaysSo(_ arguments: [String]) throws {
        let directory = try Scratch.directory()
        defer { Scratch.remove(directory) }
        #expect(ModelBroker.run(["--run-dir", directory] + arguments) == 1)
        #expect(access("\(directory)/audit.jsonl", F_OK) != 0)
    }

    // MARK: - Changes

    private func records(_ agent: FakeAgent) throws -> [AuditRecord] {
        try TextFile.read("\(agent.directory)/audit.jsonl").split(separator: "\n").map {
            try ControlLine.decode(AuditRecord.self, from: Array($0.utf8))
        }
    }

    @Test func quotasAreResetAndWrittenDown() throws {
        var after = quota
        after.used = 0
        let answers = [try json([quota]), try json([after])]
        let requests = [
            #"{"command":"quotas","selection":{"client":"checkout","period":"day"}}"#,
            #"{"command":"reset-quotas","selection":{"client":"checkout","period":"day"},"uid":\#(getuid())}"#,
        ]
        let agent = try FakeAgent(times: 2) { connection in
            let line = connection.line()
            guard let index = requests.firstIndex(of: line) else {
                Issue.record("asked \(line)")
                return
            }
            connection.send(#"{"ok":true,"data":\#(answers[index])}"# + "\n")
        }
        #expect(ModelBroker.run(["--run-dir", agent.directory, "quota", "reset", "checkout", "--period", "day"]) == 0)
        let record = try #require(try records(agent).first)
        #expect(record.action == .quotaReset && record.client == "checkout" && record.uid == getuid())
        #expect(record.changes == ["day.cost of checkout for m": .init(before: "5125000", after: "0")])
        #expect(QuotaReport.resetText([after]) == "nothing is used of day.cost of checkout for m\n")
    }

    @Test func keysAreMadeHereAndOnlyTheirHashGoesOut() throws {
        let agent = try FakeAgent { connection in
            let line = connection.line()
            guard case .addKey(let key) = try? ControlLine.decode(ControlRequest.self, from: Array(line.utf8)) else {
                Issue.record("asked \(line)")
                return
            }
            #expect(key.client == "checkout" && key.id == "ci" && key.uid == getuid())
            #expect(key.salt.utf8.count == 32 && key.digest.utf8.count == 64 && !line.contains("mb_"))
            #expect(key.expires.map { $0 > Int64(time(nil)) + 89 * 86_400 } == true && key.notBefore == nil)
            connection.send(
                #"{"ok":true,"data":{"client":"checkout","id":"ci","source":"managed","state":"active"}}"# + "\n")
        }
        let arguments = ["key", "new", "checkout", "--id", "ci", "--expires", "90d"]
        #expect(ModelBroker.run(["--run-dir", agent.directory] + arguments) == 0)
        let record = try #require(try records(agent).first)
        #expect(record.action == .keyNew && record.key == "ci" && record.client == "checkout")
        #expect(record.changes == ["state": .init(before: "none", after: "active")])
        #expect(!(try TextFile.read("\(agent.directory)/audit.jsonl")).contains("mb_"))
    }

    @Test func keysAreRevokedAndWrittenDown() throws {
        let agent = try FakeAgent { connection in
            #expect(connection.line() == #"{"command":"revoke-key","id":"ci","uid":\#(getuid())}"#)
            connection.send(
                #"{"ok":true,"data":{"client":"checkout","id":"ci","source":"managed","state":"active"}}"# + "\n")
        }
        #expect(ModelBroker.run(["--run-dir", agent.directory, "key", "revoke", "ci"]) == 0)
        let record = try #require(try records(agent).first)
        #expect(record.action == .keyRevoke && record.key == "ci")
        #expect(record.changes == ["state": .init(before: "active", after: "revoked")])
    }

    @Test(arguments: [["quota", "reset", "--all"], ["key", "new", "a"], ["key", "revoke", "x"]])
    func whatCannotBeToldOfIsNotDone(_ arguments: [String]) throws {
        let agent = try FakeAgent(times: 2) { connection in
            let line = connection.line()
            #expect(line.isEmpty || line.contains(#""quotas""#), "asked \(line)")
            if !line.isEmpty { connection.send(#"{"ok":true,"data":[]}"# + "\n") }
        }
        let path = "\(agent.directory)/audit.jsonl"
        #expect(mkdir(path, 0o700) == 0)
        defer { _ = rmdir(path) }
        #expect(ModelBroker.run(["--run-dir", agent.directory] + arguments) == 1)
    }

    // MARK: - Keys

    @Test func aNewKeyIsShownOnceAndItsHashFitsTheConfiguration() throws {
        let new = try #require(NewKey(id: "ci", expires: 1_798_761_600))
        let report = NewKeyReport(new, client: "checkout")
        let secret = new.secret.reveal
        #expect(
            try json(report)
                == #"{"client":"checkout","expires":"2027-01-01T00:00:00Z","id":"ci","secret":"\#(secret)","stored":"\#(report.stored)"}"#
        )
        #expect(KeyDigest.parse(stored: report.stored)?.digest == new.key.digest)
        #expect(report.configurationLine == "keys: [{key: \"\(report.stored)\", expires: \"2027-01-01T00:00:00Z\"}]")
        for isOffline in [true, false] { #expect(!report.note(isOffline: isOffline).contains(secret)) }
        #expect(report.note(isOffline: true).contains(report.stored))
        let plain = NewKeyReport(try #require(NewKey(id: "p")), client: "c")
        #expect(plain.configurationLine == "keys: [\"\(plain.stored)\"]")
        #expect(!(try json(plain)).contains("expires"))
    }

    @Test func offlineNobodyIsAsked() throws {
        let directory = try Scratch.directory()
        defer { Scratch.remove(directory) }
        #expect(ModelBroker.run(["--run-dir", directory, "key", "new", "checkout", "--offline"]) == 0)
        #expect(access("\(directory)/audit.jsonl", F_OK) != 0)
    }

    @Test(
        arguments: [
            ("90d", 7_776_000 + 1_000), ("12h", 43_200 + 1_000), ("30m", 1_800 + 1_000), ("2027-01-01", 1_798_761_600),
            ("", nil), ("d", nil), ("0d", nil), ("-1d", nil), ("1w", nil), ("9999999d", nil), ("99999999m", nil), ("१d", nil),
            ("1.5d", nil),
        ] as [(String, Int64?)])
    func moments(_ text: String, _ expected: Int64?) {
        #expect(KeyArguments.moment(text, now: 1_000) == expected)
    }

    @Test func aKeyThatWasTypedIsNotRepeated() throws {
        let secret = try #require(NewKey(id: "ci")).secret.reveal
        let hidden = KeyText.hidden(in: "no \"\(secret)\" and \(secret)")
        #expect(hidden == "no \"mb_ci_(secret)\" and mb_ci_(secret)")
        #expect(KeyText.hidden(in: "mb_ mb_x mb_x_y mb_account_limit") == "mb_ mb_x mb_x_y mb_account_limit")
        #expect(KeyText.hidden(in: "") == "")
        #expect(ModelBroker.run(["key", "revoke", secret]) == 2)
        #expect(ModelBroker.run(["key", "new", secret]) == 2)
        #expect(ModelBroker.run(["key", "new", "a", secret]) == 2)
    }
}
