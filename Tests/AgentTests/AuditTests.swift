import Catalog
import Control
import ControlCoding
import Glibc
import KernelPlane
import Logging
import Synchronization
import Testing

@testable import Agent

@Suite struct AuditFileTests {
    private func lines(_ path: String) -> String? { try? File.text(path) }

    @Test func isRotatedWhenItIsTooLarge() throws {
        let scratch = try Scratch()
        var file = AuditFile(path: scratch["a"], size: 10, keep: 2)
        #expect(try file.tend())
        try file.descriptor?.write(Array("12345\n".utf8))
        #expect(try !file.tend())
        let before = file.descriptor
        try file.descriptor?.write(Array("67890\n".utf8))
        #expect(try file.tend())
        // Whoever has the old descriptor yet writes to the file that was put aside.
        try before?.write(Array("late\n".utf8))
        #expect(lines(scratch["a"]) == "" && lines(scratch["a.1"]) == "12345\n67890\nlate\n")
        var facts = stat()
        #expect(stat(scratch["a"], &facts) == 0 && facts.st_mode & 0o777 & ~0o640 == 0)
    }

    @Test func keepsNoMoreThanItShall() throws {
        let scratch = try Scratch()
        var file = AuditFile(path: scratch["a"], size: 1, keep: 2)
        _ = try file.tend()
        for round in 1...5 {
            try file.descriptor?.write(Array("\(round)\n".utf8))
            #expect(try file.tend())
        }
        #expect([lines(scratch["a"]), lines(scratch["a.1"]), lines(scratch["a.2"])] == ["", "5\n", "4\n"])
        #expect(!File.exists(scratch["a.3"]))
        var none = AuditFile(path: scratch["b"], size: 1, keep: 0)
        _ = try none.tend()
        try none.descriptor?.write(Array("x\n".utf8))
        #expect(try none.tend())
        #expect(lines(scratch["b"]) == "" && !File.exists(scratch["b.1"]))
    }

    /// As logrotate does it.
    @Test func isOpenedAgainWhenSomebodyTookItAway() throws {
        let scratch = try Scratch()
        var file = AuditFile(path: scratch["a"], size: 1000, keep: 2)
        #expect(try file.tend())
        #expect(try !file.tend())
        rename(scratch["a"], scratch["elsewhere"])
        #expect(try file.tend())
        try file.descriptor?.write(Array("x\n".utf8))
        #expect(lines(scratch["a"]) == "x\n" && lines(scratch["elsewhere"]) == "")
    }

    @Test func isAFileAndNothingElse() throws {
        let scratch = try Scratch()
        mkfifo(scratch["fifo"], 0o600)
        try scratch.write("precious", to: "other")
        symlink(scratch["other"], scratch["link"])
        for name in ["fifo", "link", "no/such/directory", "."] {
            var file = AuditFile(path: scratch[name], size: 1, keep: 1)
            #expect(throws: SystemError.self, "\(name)") { try file.tend() }
        }
        #expect(lines(scratch["other"]) == "precious")
    }
}

@Suite struct AuditKeeperTests {
    private static var quiet: Logger {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }

    private final class Told: Sendable {
        private let list = Mutex<[AuditDescriptor?]>([])
        var all: [AuditDescriptor?] { list.withLock { $0 } }
        func add(_ descriptor: AuditDescriptor?) { list.withLock { $0.append(descriptor) } }
    }

    @Test func tellsOfEachNewDescriptorAndWritesItsOwnLines() throws {
        let scratch = try Scratch()
        let told = Told()
        let keeper = AuditKeeper(hub: EventHub(), logger: Self.quiet) { told.add($0) }
        let audit = Audit(sink: .file(scratch["a"], size: 20, keep: 1))
        keeper.adopt(audit)
        keeper.adopt(audit)
        #expect(told.all.count == 1)
        try told.all[0]?.write(Array("the proxy's\n".utf8))
        keeper.write(Array("the agent's\n".utf8))
        keeper.look()
        #expect(try File.text(scratch["a"]) == "the proxy's\nthe agent's\n")
        keeper.look()
        #expect(told.all.count == 2)
        try told.all[1]?.write(Array("x\n".utf8))
        #expect(try File.text(scratch["a"]) == "x\n")
        #expect(try File.text(scratch["a.1"]) == "the proxy's\nthe agent's\n")
        keeper.adopt(nil)
        #expect(told.all.count == 3 && told.all[2] == nil)
    }

    @Test func aMissingDirectoryIsSaidAndTriedAgain() throws {
        let scratch = try Scratch()
        let (told, hub) = (Told(), EventHub())
        let keeper = AuditKeeper(hub: hub, logger: Self.quiet) { told.add($0) }
        keeper.adopt(Audit(sink: .file(scratch["logs/a"], size: 1 << 20, keep: 1)))
        for _ in 0..<3 { keeper.look() }
        #expect(hub.last(10).map(\.kind) == [.auditFailed])
        #expect(keeper.fault?.contains("logs/a") == true && told.all.allSatisfy { $0 == nil })
        keeper.write(Array("early\n".utf8))
        mkdir(scratch["logs"], 0o700)
        keeper.look()
        #expect(keeper.fault == nil && told.all.last??.raw != nil)
        #expect(try File.text(scratch["logs/a"]) == "early\n")
    }

    @Test func lossesAreToldOnceAMinute() {
        var loss = AuditLoss()
        #expect(loss.take(0) == nil)
        loss.add("full", lines: 3)
        #expect(loss.take(0) == "full; 3 lines are lost")
        loss.add("full", lines: 1)
        loss.add("slow", lines: 1)
        #expect(loss.take(59_000_000_000) == nil)
        #expect(loss.take(60_000_000_000) == "slow; 2 lines are lost")
        #expect(loss.take(500_000_000_000) == nil && loss.total == 5)
    }

    @Test func webhooksGetWholeLinesTogether() async throws {
        let server = try FakeServer(FakeServer.http(204))
        let pace = AuditWebhook.Pace(gathering: 50, waits: [5, 5, 5], timeout: 10_000_000_000)
        let (told, hub) = (Told(), EventHub())
        let keeper = AuditKeeper(hub: hub, logger: Self.quiet, pace: pace) { told.add($0) }
        keeper.adopt(Audit(sink: .webhook("http://\(server.address)/log", authorization: Secret("Bearer s3"), caFile: nil)))
        let descriptor = try #require(told.all.first ?? nil)
        try descriptor.write(Array("{\"a\":1}\n{\"a\"".utf8))
        keeper.write(Array("{\"own\":1}\n".utf8))
        try descriptor.write(Array(":2}\n".utf8))
        #expect(await eventually { server.requests.joined().contains("Content-Type: application/x-ndjson\r\n") })
        #expect(server.requests[0].contains("Authorization: Bearer s3\r\n"))
        #expect(server.requests[0].hasPrefix("POST /log HTTP/1.1\r\n"))
        keeper.look()
        #expect(hub.last(1).isEmpty)
    }

    @Test func aWebhookThatDoesNotAnswerLosesLinesLoudly() async throws {
        let server = try FakeServer(FakeServer.http(500))
        let lost = Mutex<[(String, UInt64)]>([])
        let pace = AuditWebhook.Pace(buffer: 1000, batch: 100, gathering: 20, waits: [5, 5, 5], timeout: 10_000_000_000)
        let webhook = try AuditWebhook("http://\(server.address)/", authorization: nil, caFile: nil, pace: pace) {
            (reason, count) in lost.withLock { $0.append((reason, count)) }
        }
        try webhook.start()
        for _ in 0..<10 { webhook.add(Array("0123456789\n".utf8)) }
        #expect(await eventually { lost.withLock { $0.reduce(0) { $0 + $1.1 } } == 10 })
        #expect(lost.withLock { $0[0].0.contains("status 500") })
        #expect(server.requests.count >= 4, "three repetitions")
        for _ in 0..<200 { webhook.add(Array("0123456789\n".utf8)) }
        #expect(await eventually { lost.withLock { $0.reduce(0) { $0 + $1.1 } } >= 120 }, "there is room for 90 lines")
        server.answer(FakeServer.http(200))
        #expect(await eventually { webhook.isIdle })
    }

    @Test func aWebhookThatIsReplacedSendsWhatItHasAndEnds() async throws {
        let server = try FakeServer(FakeServer.http(200))
        let pace = AuditWebhook.Pace(gathering: 20, waits: [5], timeout: 10_000_000_000)
        let webhook = try AuditWebhook("http://\(server.address)/", authorization: nil, caFile: nil, pace: pace) { _, _ in }
        try webhook.start()
        var proxys = webhook.descriptor
        webhook.end()
        try proxys?.write(Array("late\n".utf8))
        #expect(!webhook.isOver && webhook.descriptor == nil)
        proxys = nil
        #expect(await eventually { webhook.isOver })
        #expect(server.requests.joined().contains("late\n"))
    }

    @Test func theEndOfTheAgentWaitsForWhatIsOnItsWay() async throws {
        let server = try FakeServer(FakeServer.http(200))
        let pace = AuditWebhook.Pace(gathering: 3_600_000, waits: [3_600_000])
        let webhook = try AuditWebhook("http://\(server.address)/", authorization: nil, caFile: nil, pace: pace) { _, _ in }
        try webhook.start()
        await Farewell.wait(for: [webhook])
        webhook.add(Array("last\n".utf8))
        await Farewell.wait(for: [webhook])
        #expect(webhook.isIdle && server.requests.joined().contains("last\n"))
        server.answer(.silence)
        webhook.add(Array("nobody answers\n".utf8))
        await Farewell.wait(for: [webhook])
        #expect(!webhook.isIdle, "and not for ever")
    }

    @Test func batchesAreBoundedAndHoldWholeLines() {
        var batch = AuditBatch(limit: 10)
        batch.feed(Array("abc\nde".utf8))
        #expect(batch.first(100) == Array("abc\n".utf8))
        batch.feed(Array("f\n".utf8))
        #expect(batch.first(5) == Array("abc\n".utf8) && batch.first(2) == Array("abc\n".utf8))
        batch.feed(Array("gh\nij\n".utf8))
        #expect(batch.dropped == 2 && batch.count == 8)
        batch.feed(Array("this line is longer than ten bytes\nk\n".utf8))
        #expect(batch.dropped == 3)
        batch.remove(4)
        #expect(batch.first(100) == Array("def\nk\n".utf8) || batch.first(100) == Array("def\n".utf8))
    }

    @Test func linesOfTheKernelAreJSON() throws {
        let names = NodeNames(Catalog(rules: [], clients: [Client(name: "check\"out\n")]))
        let origin = Origin(
            dialled: SocketAddress(ip: IPAddress(v4: 10, 0, 0, 2), port: 443), mapped: false, rule: 0, client: 1, pid: 77,
            uid: 0, cgroup: 5, workload: 5, netnsCookie: 1, foreignNetns: false, socketCookie: 2, timeNanoseconds: 3,
            command: "curl")
        let event = KernelEvent(kind: .denied, origin: origin)
        let report = EventReport(event, names, time: "2026-11-21T12:00:00.000Z")
        let line = try #require(AuditLine.of(event, report))
        #expect(line.last == UInt8(ascii: "\n") && line.count { $0 == UInt8(ascii: "\n") } == 1)
        struct Line: Decodable {
            var time, layer, decision, rule, client, auth, address: String
            var pid: UInt32
        }
        let read = try ControlLine.decode(Line.self, from: line)
        #expect(read.layer == "kernel" && read.decision == "deny" && read.client == "check\"out\n" && read.pid == 77)
        #expect(read.rule == "connect_denied" && read.auth == "workload" && read.address == "10.0.0.2:443")
        #expect(AuditLine.of(KernelEvent(kind: .direct, origin: origin), report) == nil)
    }
}
