import Control
import ControlCoding
import Glibc
import Testing

@testable import Commands

/// What `pool`, `endpoint`, `capability` and `explain` do with an agent, and without one.
@Suite struct RoutingAgentTests {
    @Test(
        arguments: [
            (["pool", "list"], #"{"command":"pools"}"#, #"{"ok":true,"data":[]}"#, 0),
            (["pool", "show", "p"], #"{"command":"pool","name":"p"}"#, #"{"ok":false,"error":"there is no pool p"}"#, 1),
            (["endpoint", "list", "-j"], #"{"command":"endpoints"}"#, #"{"ok":true,"data":[]}"#, 0),
            (["endpoint", "list", "m"], #"{"command":"endpoints"}"#, #"{"ok":true,"data":[]}"#, 1),
            (["capability", "search", "frying"], #"{"command":"capabilities"}"#, #"{"ok":true,"data":[]}"#, 1),
            (
                ["explain", "--model", "m"], #"{"command":"explain","request":{"headers":[],"model":"m"}}"#,
                #"{"ok":true,"data":{"model":"m","name":"m","stages":[],"candidates":[]}}"#, 0
            ),
            (
                ["events", "--level", "debug"], #"{"command":"events","follow":false,"last":20,"level":"debug"}"#, "", 0
            ),
        ] as [([String], String, String, Int32)])
    func asksTheAgent(_ arguments: [String], _ request: String, _ answer: String, _ status: Int32) throws {
        let agent = try FakeAgent { connection in
            #expect(connection.line() == request)
            if !answer.isEmpty { connection.send(answer + "\n") }
        }
        #expect(ModelBroker.run(["--run-dir", agent.directory, "--pin-dir", agent.directory + "/none"] + arguments) == status)
    }

    /// With the line that it leaves in the audit file, and nil where there is to be none.
    @Test(
        arguments: [
            (
                ["endpoint", "drain", "http://A/"], #""command":"drain","uid":UID,"url":"http://a""#,
                #"{"url":"http://a","isDrained":true,"isChanged":true,"models":[],"inFlight":0}"#, .endpointDrain,
                ["state": .init(before: "in use", after: "drained")]
            ),
            (
                ["endpoint", "enable", "http://a"], #""command":"enable","uid":UID,"url":"http://a""#,
                #"{"url":"http://a","isDrained":false,"isChanged":true,"models":[],"inFlight":0}"#, .endpointEnable,
                ["state": .init(before: "drained", after: "in use")]
            ),
            (
                ["endpoint", "enable", "http://a"], #""command":"enable","uid":UID,"url":"http://a""#,
                #"{"url":"http://a","isDrained":false,"isChanged":false,"models":[],"inFlight":0}"#, .endpointEnable, [:]
            ),
            (
                ["pool", "rotate", "p"], #""command":"rotate","name":"p","uid":UID"#,
                #"{"name":"p","from":"http://a","to":"http://b"}"#, .poolRotate,
                ["endpoint": .init(before: "http://a", after: "http://b")]
            ),
            (
                ["pool", "rotate", "p"], #""command":"rotate","name":"p","uid":UID"#, #"{"name":"p","to":"http://b"}"#,
                .poolRotate, ["endpoint": .init(before: "none", after: "http://b")]
            ),
            (["pool", "rotate", "p"], #""command":"rotate","name":"p","uid":UID"#, #"{"name":"p"}"#, .poolRotate, [:]),
            (["pool", "rotate", "p"], #""command":"rotate","name":"p","uid":UID"#, nil, nil, [:]),
        ] as [([String], String, String?, AuditRecord.Action?, [String: QoSChangeReport.Item])])
    func changesAreWrittenDown(
        _ arguments: [String], _ request: String, _ data: String?, _ action: AuditRecord.Action?,
        _ changes: [String: QoSChangeReport.Item]
    ) throws {
        let agent = try FakeAgent { connection in
            #expect(connection.line() == "{\(request)}".replacing("UID", with: "\(getuid())"))
            connection.send(data.map { #"{"ok":true,"data":\#($0)}"# + "\n" } ?? #"{"ok":false,"error":"no"}"# + "\n")
        }
        #expect(ModelBroker.run(["--run-dir", agent.directory] + arguments) == (data == nil ? 1 : 0))
        let lines = try TextFile.read("\(agent.directory)/audit.jsonl").split(separator: "\n")
        let records = try lines.map { try ControlLine.decode(AuditRecord.self, from: Array($0.utf8)) }
        #expect(records.map(\.action) == [action].compactMap(\.self))
        guard let record = records.first else { return }
        #expect(record.uid == getuid() && record.pid == getpid() && record.changes == changes)
        let isOfServer = arguments[0] == "endpoint"
        #expect(record.url == (isOfServer ? "http://a" : nil) && record.name == (isOfServer ? nil : "p"))
        #expect(record.model == nil && record.version == nil)
    }

    /// What cannot be told of is not done.
    @Test func withoutAnAuditFileTheAgentIsNotAsked() throws {
        let agent = try FakeAgent { #expect($0.line() == "") }
        let path = "\(agent.directory)/audit.jsonl"
        #expect(mkdir(path, 0o700) == 0)
        defer { _ = rmdir(path) }
        #expect(ModelBroker.run(["--run-dir", agent.directory, "endpoint", "drain", "http://a"]) == 1)
    }

    @Test(arguments: [
        ["pool", "list"], ["pool", "show", "p"], ["pool", "rotate", "p"], ["endpoint", "list"],
        ["endpoint", "enable", "http://a"],
        ["explain", "--model", "m"],
    ])
    func withoutAnAgentItSaysSo(_ arguments: [String]) throws {
        let directory = try Scratch.directory()
        defer { Scratch.remove(directory) }
        #expect(ModelBroker.run(["--run-dir", directory, "--pin-dir", directory + "/none"] + arguments) == 1)
        #expect(access("\(directory)/audit.jsonl", F_OK) != 0)
    }

    @Test func theBuiltInTreeNeedsNoAgent() throws {
        let directory = try Scratch.directory()
        defer { Scratch.remove(directory) }
        #expect(ModelBroker.run(["--run-dir", directory, "capability", "list", "-j"]) == 0)
        #expect(ModelBroker.run(["--run-dir", directory, "capability", "search", "ocr"]) == 0)
        #expect(ModelBroker.run(["--run-dir", directory, "capability", "search", "frying"]) == 1)
    }

    @Test(arguments: [
        ["pool", "show"], ["pool", "rotate"], ["endpoint", "drain"], ["endpoint", "drain", "a"],
        ["endpoint", "drain", "ftp://a"],
        ["endpoint", "enable", "http://a b"], ["capability", "search"], ["explain"],
        ["explain", "--model", "m", "--header", "x"],
        ["explain", "--model", "m", "--header", "=x"], ["events", "--level", "loud"],
    ])
    func wrongUsageIsTwo(_ arguments: [String]) {
        #expect(ModelBroker.run(arguments) == 2)
    }
}
