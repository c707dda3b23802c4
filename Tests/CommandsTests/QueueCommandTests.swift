import ArgumentParser
import Catalog
import Control
import ControlCoding
import Glibc
import Telemetry
import Testing

@testable import Commands

/// What `group`, `queue`, `endpoint start|stop|logs` ask of the agent, and what they print of its answers.
@Suite struct QueueCommandTests {
    private let address = SocketAddress(ip: IPAddress(v4: 10, 0, 0, 1), port: 80)

    private var busy: QueueReport {
        var record = QueueRecord(model: "llama", group: "gold")
        (record.inFlight, record.limit, record.entitlement) = (10, 16, 6_857)
        (record.waiting, record.bytes, record.oldest) = (5, 2 << 20, 4_200)
        (record.granted, record.immediate, record.full) = (30, 20, 3)
        (record.expired, record.shed, record.left) = (2, 1, 4)
        (record.tokens, record.tokenRate) = (9_000, 1_500_500)
        var report = QueueReport(record, priority: 10, weight: 3, tokenRate: 4_000_000)
        (report.waitP50Milliseconds, report.waitP90Milliseconds, report.waitP99Milliseconds) = (250, 1_000, 2_500)
        return report
    }

    private var idle: QueueReport {
        QueueReport(QueueRecord(model: "mini\u{1B}", group: "gold"), priority: 10, weight: 3, tokenRate: 0)
    }

    private var gold: GroupReport {
        GroupReport(
            name: "gold", priority: 10, weight: 3, isReclaimable: false, delivery: "interactive",
            clients: ["a", "b", "c", "d", "e"], queues: [busy, idle])
    }

    private var night: GroupReport {
        GroupReport(
            name: "night", priority: 0, weight: 1, isReclaimable: true, delivery: "batch", clients: [], queues: [])
    }

    // MARK: - Requests

    @Test(
        arguments: [
            (.groups, #"{"command":"groups"}"#), (.group(name: "g"), #"{"command":"group","name":"g"}"#),
            (.queues, #"{"command":"queues"}"#),
            (.startEngine(url: "http://a"), #"{"command":"start-engine","url":"http://a"}"#),
            (.stopEngine(url: "http://a", uid: 0), #"{"command":"stop-engine","uid":0,"url":"http://a"}"#),
            (.engineLog(name: "m", last: 5), #"{"command":"engine-log","last":5,"name":"m"}"#),
        ] as [(ControlRequest, String)])
    func requests(_ request: ControlRequest, _ text: String) throws {
        #expect(try json(request) == text)
        #expect(try ControlLine.decode(ControlRequest.self, from: Array(text.utf8)) == request)
    }

    @Test func aLogIsAskedForWithinReason() throws {
        func read(_ text: String) throws -> ControlRequest {
            try ControlLine.decode(ControlRequest.self, from: Array(text.utf8))
        }
        #expect(try read(#"{"command":"engine-log","name":"m"}"#) == .engineLog(name: "m", last: 100))
        #expect(try read(#"{"command":"engine-log","name":"m","last":-7}"#) == .engineLog(name: "m", last: 0))
        for text in [
            #"{"command":"group"}"#, #"{"command":"start-engine"}"#, #"{"command":"stop-engine","url":7}"#,
            #"{"command":"engine-log"}"#, #"{"command":"engine-log","name":"m","last":"all"}"#,
        ] {
            #expect(throws: ControlLineError.self) { try read(text) }
        }
    }

    // MARK: - Groups and queues

    @Test func groupsAsATable() throws {
        #expect(
            words(GroupReport.table([gold, night], width: nil)) == [
                "GROUP PRIORITY WEIGHT RESERVED CLIENTS IN FLIGHT TOKENS/S WAITING OLDEST REFUSED",
                "gold 10 3 yes a, b, c and 2 more 10 1500.5 5 4s 6", "night batch 1 no - 0 0 0 - 0",
            ])
        #expect(try same(gold))
        #expect(try json(night).contains(#""delivery":"batch","isReclaimable":true,"name":"night","priority":0"#))
    }

    @Test func aGroupInWords() {
        let text = words(gold.text(width: nil))
        #expect(
            text == [
                "group gold", "priority 10", "weight 3", "share reserved: what it leaves stays free", "clients a, b, c, d, e",
                "MODEL WAITING BYTES OLDEST IN FLIGHT ENTITLED BORROWED SHARE TOKENS/S AT ONCE QUEUED P50 P90 P99 FULL EXPIRED "
                    + "SHED LEFT",
                "llama 5 2 MiB 4s 10/16 6.9 3.1 37.5% 1500.5 20 30 250ms 1s 2.5s 3 2 1 4",
                "mini\\u{1B} 0 0 B - 0 - - - 0 0 0 - - - 0 0 0 0",
            ])
        let shown = words(night.text(width: nil))
        #expect(shown.contains("priority batch, behind every other") && shown.contains("clients none"))
        #expect(shown.last == "no model was asked for yet" && shown.contains("share others may use what it leaves"))
    }

    @Test func queuesAsATable() throws {
        let lines = words(QueueReport.table([busy], of: .everything, width: nil))
        #expect(lines.first?.hasPrefix("MODEL GROUP PRIORITY WEIGHT WAITING BYTES OLDEST IN FLIGHT") == true)
        #expect(lines.last?.hasPrefix("llama gold 10 3 5 2 MiB 4s 10/16 6.9 3.1 37.5%") == true)
        #expect(try same(busy) && same(idle))
        let text = try json(busy)
        #expect(text.contains(#""waitP99Milliseconds":2500"#) && text.contains(#""share":0.375125"#))
        let batch = QueueReport(QueueRecord(model: "m", group: "g"), priority: 0, weight: 1, tokenRate: 0, delivery: "batch")
        #expect(words(QueueReport.table([batch], of: .everything, width: nil)).last?.hasPrefix("m g batch 1 0") == true)
        #expect(try same(batch))
        // A slot of its own is not borrowed.
        var record = QueueRecord(model: "m", group: "g")
        (record.inFlight, record.limit, record.entitlement) = (2, 8, 4_000)
        #expect(QueueReport(record, priority: 0, weight: 1, tokenRate: 0).borrowed == 0)
    }

    /// Whatever an agent says, nothing traps.
    @Test func oddNumbersAreShown() {
        var odd = busy
        (odd.waitP50Milliseconds, odd.waitP90Milliseconds, odd.waitP99Milliseconds) = (.infinity, -1, .nan)
        (odd.full, odd.shed, odd.tokensPerSecond) = (.max, .max, .infinity)
        (odd.entitlement, odd.share, odd.limit) = (.nan, -.infinity, .max)
        #expect(words(QueueReport.table([odd], of: .models, width: 80)).count == 2)
        var group = gold
        group.queues = [odd, odd]
        #expect(words(GroupReport.table([group], width: 40)).count == 2)
    }

    // MARK: - Endpoints

    @Test func limitsAndPhasesOfEndpoints() throws {
        let key = EndpointKey(url: "http://a", address: address)
        let reports = [
            EndpointReport(EndpointRecord(model: "m", key: key, inFlight: 2, limit: 32)),
            EndpointReport(EndpointRecord(model: "m", key: key, inFlight: 3, limit: 12, isAdaptive: true, phase: .ready)),
            EndpointReport(
                EndpointRecord(model: "m", key: key, standby: .engine, detail: "asleep", inFlight: 0, phase: .asleep)),
        ]
        #expect(
            words(EndpointReport.table(reports, width: nil)) == [
                "MODEL URL ADDRESS STATE REASON RETRY IN BREAKER IN FLIGHT REQUESTS FAILURES TTFB PHASE",
                "m http://a 10.0.0.1:80 active - - closed 2/32 0 0 - -",
                "m http://a 10.0.0.1:80 active - - closed 3/~12 0 0 - ready",
                "m http://a 10.0.0.1:80 STANDBY engine: asleep - closed 0 0 0 - asleep",
            ])
        for report in reports { #expect(try same(report)) }
        #expect(try json(reports[1]).contains(#""isAdaptive":true"#) && json(reports[1]).contains(#""limit":12"#))
        #expect(!(try json(reports[2])).contains("limit"))
    }

    @Test func enginesInWords() throws {
        var engine = EngineReport(
            url: "http://a", models: ["m", "n"], phase: "starting", method: "exec", pid: 7, oneOf: "gpu0", starts: 1)
        #expect(engine.text == "http://a, of m, n is starting (by exec, pid 7, one of gpu0)\n")
        #expect(try same(engine))
        (engine.phase, engine.pid, engine.fault, engine.retryMilliseconds) = ("failed", nil, "exit status 1\u{1B}[2J", 2_000)
        #expect(
            engine.text == "http://a, of m, n is failed (by exec, one of gpu0, exit status 1\\u{1B}[2J, tried again in 2s)\n")
        #expect(engine.subject(.endpointStart, before: "failed").changes.isEmpty)
        #expect(
            engine.subject(.endpointStart, before: nil).changes == ["phase": .init(before: "unknown", after: "failed")])
    }

    @Test func logsAreShownAsTheyAreAndHarmless() throws {
        let log = EngineLog(url: "http://a", lines: ["a\tb", "", "\u{1B}[31mred\r", "é\u{202E}"], dropped: 3)
        #expect(log.text == "a\tb\n\n\\u{1B}[31mred\\u{D}\né\\u{202E}\n")
        #expect(log.droppedText == "3 lines before these are not kept")
        #expect(EngineLog(url: "", lines: [], dropped: 1).droppedText == "1 line before these is not kept")
        #expect(try same(log))
        #expect(EngineLog(url: "", lines: [], dropped: 0).text.isEmpty)
    }

    @Test func eventsOfEngines() throws {
        let event = EventReport(
            time: "t", kind: .engineCrashed, model: "m", address: "127.0.0.1:1", detail: "signal 9\u{7}; started again in 1s")
        #expect(event.line == "t  engine-crashed  model=m  address=127.0.0.1:1  signal 9\\u{7}; started again in 1s")
        let kinds: [EventReport.Kind] = [
            .engineStarting, .engineReady, .engineStopping, .engineStopped, .engineFailed, .engineCrashed,
        ]
        #expect(kinds.allSatisfy { $0.rawValue.hasPrefix("engine-") && $0.level == .info } && Set(kinds).count == 6)
    }

    @Test func flowsThatWait() {
        let record = FlowRecord(id: 1, entrance: .gateway, state: .queued, caller: address, dialled: address)
        #expect(FlowReport(record, workload: "", rule: nil).state == "queued")
    }

    // MARK: - Against an agent

    @Test(
        arguments: [
            (["group", "list"], #"{"command":"groups"}"#, #"{"ok":true,"data":[]}"#, 0),
            (["group", "show", "g"], #"{"command":"group","name":"g"}"#, #"{"ok":false,"error":"there is no group g"}"#, 1),
            (["queue", "list", "-j"], #"{"command":"queues"}"#, #"{"ok":true,"data":[]}"#, 0),
            (
                ["endpoint", "logs", "m", "--last", "3"], #"{"command":"engine-log","last":3,"name":"m"}"#,
                #"{"ok":true,"data":{"url":"http://a","lines":["x"],"dropped":2}}"#, 0
            ),
            (
                ["endpoint", "logs", "http://A:80/"], #"{"command":"engine-log","last":100,"name":"http://a"}"#,
                #"{"ok":false,"error":"nothing with that URL is on demand"}"#, 1
            ),
        ] as [([String], String, String, Int32)])
    func asksTheAgent(_ arguments: [String], _ request: String, _ answer: String, _ status: Int32) throws {
        let agent = try FakeAgent { connection in
            #expect(connection.line() == request)
            connection.send(answer + "\n")
        }
        #expect(ModelBroker.run(["--run-dir", agent.directory] + arguments) == status)
    }

    /// A model that nobody called has no queue; a name that is none is an error.
    @Test(arguments: [("m", 0), ("nobody", 1)] as [(String, Int32)])
    func queuesOfAModelThatNobodyCalled(model: String, status: Int32) throws {
        let queues = try json(ControlResponse.success([busy]))
        let found = try json(ControlResponse.success(ModelReport(Model(name: "m", endpoints: []), counters: .init())))
        let agent = try FakeAgent(times: 2) { connection in
            let line = connection.line()
            if line.contains("queues") { _ = connection.send(queues + "\n"); return }
            #expect(line == #"{"command":"model","name":"\#(model)"}"#)
            connection.send((status == 0 ? found : #"{"ok":false,"error":"nobody knows it"}"#) + "\n")
        }
        #expect(ModelBroker.run(["--run-dir", agent.directory, "queue", "list", model]) == status)
    }

    @Test(
        arguments: [
            ("start", "start-engine", "endpoint-start", "asleep", "starting"),
            ("stop", "stop-engine", "endpoint-stop", "ready", "stopping"),
            ("stop", "stop-engine", "endpoint-stop", "asleep", "asleep"),
        ])
    func changesAreWrittenDown(_ verb: String, _ command: String, _ action: String, _ before: String, _ after: String) throws {
        let endpoints = try json(
            ControlResponse.success([EndpointReport(model: "m", url: "http://a", address: nil, phase: before)]))
        let engine = try json(ControlResponse.success(EngineReport(url: "http://a", models: ["m"], phase: after, method: "unit")))
        let agent = try FakeAgent(times: 2) { connection in
            let line = connection.line()
            if line.contains("endpoints") { _ = connection.send(endpoints + "\n"); return }
            #expect(line == #"{"command":"\#(command)","uid":\#(getuid()),"url":"http://a"}"#)
            connection.send(engine + "\n")
        }
        #expect(ModelBroker.run(["--run-dir", agent.directory, "endpoint", verb, "http://A/"]) == 0)
        let lines = try TextFile.read("\(agent.directory)/audit.jsonl").split(separator: "\n")
        let records = try lines.map { try ControlLine.decode(AuditRecord.self, from: Array($0.utf8)) }
        #expect(records.map(\.action.rawValue) == [action] && records.first?.url == "http://a")
        #expect(records.first?.changes == (before == after ? [:] : ["phase": .init(before: before, after: after)]))
    }

    @Test(arguments: [
        ["group", "show"], ["group", "list", "x"], ["queue", "list", "a", "b"], ["endpoint", "start"],
        ["endpoint", "start", "llama"], ["endpoint", "stop", "ftp://a"], ["endpoint", "logs"],
        ["endpoint", "logs", "m", "--last", "0"], ["endpoint", "logs", "m", "--last", "-1"],
    ])
    func wrongUsageIsTwo(_ arguments: [String]) {
        #expect(ModelBroker.run(arguments) == 2)
    }

    @Test(arguments: [
        ["group", "list"], ["group", "show", "g"], ["queue", "list"], ["endpoint", "start", "http://a"],
        ["endpoint", "logs", "m"],
    ])
    func withoutAnAgentItSaysSo(_ arguments: [String]) throws {
        let directory = try Scratch.directory()
        defer { Scratch.remove(directory) }
        #expect(ModelBroker.run(["--run-dir", directory] + arguments) == 1)
        #expect(access("\(directory)/audit.jsonl", F_OK) != 0)
    }
}
