import Commands
import Control
import Testing

/// What is said of proxies that replace each other.
@Suite struct ProxyCommandTests {
    private var proxy: StatusReport.Proxy {
        var proxy = StatusReport.Proxy()
        proxy.state = .running
        proxy.pid = 20
        proxy.openConnections = 7
        proxy.uptimeMilliseconds = 5_000
        proxy.draining = [
            StatusReport.DrainingProxy(pid: 10, openConnections: 3, remainingMilliseconds: 240_000),
            StatusReport.DrainingProxy(pid: 11, remainingMilliseconds: 0),
        ]
        return proxy
    }

    @Test func theProxyComesFirstWithItsOwnConnections() throws {
        let entries = ProxyEntry.all(proxy)
        #expect(entries.map(\.pid) == [20, 10, 11])
        #expect(entries.map(\.openConnections) == [4, 3, nil])
        #expect(entries.map(\.state) == ["running", "draining", "draining"])
        let lines = words(ProxyEntry.table(entries, width: nil))
        #expect(lines[1].hasPrefix("20 running 4 ") && lines[2].hasPrefix("10 draining 3 ") && lines[3].hasPrefix("11 draining"))
        #expect(try same(entries))
    }

    @Test func anAgentThatDoesNotSayHasOne() {
        #expect(ProxyEntry.all(StatusReport.Proxy()).map(\.state) == ["stopped"])
    }

    @Test func statusNamesThoseThatDrainAndWhatCameOfTheLastReplacement() {
        var status = StatusReport()
        status.proxy = proxy
        status.proxy.lastReplacement = ReplacementReport(
            time: "T", replaced: false, from: 20, to: 21, reason: "the new one ended by exit 3", milliseconds: 7)
        let lines = words(status.text)
        #expect(lines.contains { $0.hasPrefix("draining pid 10, 3 connections open") && $0.hasSuffix("left") })
        #expect(lines.contains("replaced not, at T: the new one ended by exit 3"))
        status.proxy.lastReplacement = ReplacementReport(time: "T", replaced: true, from: 20, to: 21, milliseconds: 7)
        #expect(words(status.text).contains("replaced pid 20 by pid 21 at T"))
    }

    @Test func aReplacementSaysWhatHappened() throws {
        let done = ReplacementReport(time: "T", replaced: true, from: 1, to: 2, milliseconds: 80, drainMilliseconds: 300_000)
        #expect(done.text.hasPrefix("pid 2 serves in the place of pid 1, which drains for up to "))
        #expect(done.subject.changes == ["pid": .init(before: "1", after: "2")])
        let failed = ReplacementReport(time: "T", replaced: false, from: 1, to: nil, reason: "a\nb", milliseconds: 80)
        #expect(failed.text.hasPrefix("the proxy was not replaced, pid 1 serves on: "))
        #expect(failed.text.split(separator: "\n").count == 1, "one line, whatever the reason holds")
        #expect(failed.subject.changes.isEmpty)
        #expect(try same(done) && same(failed))
    }
}
