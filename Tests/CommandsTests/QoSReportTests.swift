import Catalog
import Control
import Testing

@testable import Commands

@Suite struct QoSReportTests {
    private func settings(_ live: (inout QoS) -> Void) -> [String: QoSReport.Setting] {
        var file = QoS()
        file.requests = Rate(100, per: .second)
        file.burst = 20
        var overrides = QoS()
        live(&overrides)
        var inForce = file
        if let requests = overrides.requests { inForce.requests = requests }
        if let bandwidth = overrides.bandwidth { inForce.bandwidth = bandwidth }
        file.connections = overrides.connections
        overrides.connections = nil
        inForce.connections = file.connections
        return QoSSettings(configured: file, live: overrides, inForce: inForce).byName
    }

    private func report(_ live: (inout QoS) -> Void = { _ in }) -> QoSReport {
        let settings = settings {
            $0.connections = 200
            live(&$0)
        }
        var report = QoSReport(model: "llama", slot: 3, access: "private", version: 7, settings: settings)
        report.buckets["requests"] = .init(level: 12, capacity: 20, admitted: 1020, refused: 30, observed: 2)
        report.buckets["connects"] = .init(admitted: 9)
        report.connections.open = 4
        report.connections.cap = 200
        report.connections.admitted = 9
        report.sockets.tagged = 8
        report.sockets.requests = .init(active: 4, share: 1 << 20)
        report.refusals = [.init(client: 1, reason: "connect-rate", count: 5), .init(client: 0, reason: "requests", count: 30)]
        report.bytes = .init(direct: .init(sent: 10, received: 2048))
        return report
    }

    private func lines(_ text: String) -> [String] {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { $0.split(separator: " ").joined(separator: " ") }
    }

    @Test func listHasALineForEachModelWithAStarForWhatIsLive() {
        let table = QoSReport.table(
            [
                report {
                    $0.requests = Rate(300, per: .second)
                    $0.bandwidth = QoS.unlimited
                }, QoSReport(model: "free", slot: 1, access: "public", version: 1, settings: QoSSettings().byName),
            ], width: nil)
        let text = lines(table)
        #expect(text[0] == "MODEL MODE REQUESTS TOKENS CONNECTS OPEN BANDWIDTH SHARE PRIORITY ADMITTED REFUSED OBSERVED")
        #expect(text[1] == "llama enforce 300/s* - - 4/200 none* 1 MiB/s - 1029 35 2")
        #expect(text[2] == "free enforce - - - 0 - - - 0 0 0")
        #expect(text[3].hasPrefix("* set live"))
        #expect(!QoSReport.table([report()], width: nil).contains("*"))
    }

    @Test func showsOneModelInFull() {
        var live = report { $0.requests = Rate(300, per: .second) }
        live.changed = .init(time: "2026-11-21T05:00:00.000Z", uid: 0)
        let text = lines(live.text(width: nil))
        #expect(text.contains("model llama, private, slot 3"))
        #expect(text.contains("set live requests, since 2026-11-21T05:00:00.000Z by uid 0"))
        #expect(text.contains("open 4 of 200 connections, 9 admitted"))
        #expect(text.contains("requests 300/s live 100/s 300/s"))
        #expect(text.contains("burst 20 file 20 -"))
        #expect(text.contains("mode enforce default - -"))
        #expect(text.contains("requests 12 20 0 1020 30 2 0"))
        #expect(text.contains("connects - - 0 9 0 0 0"))
        #expect(text.contains("requests 4 1 MiB/s") && text.contains("responses 0 -"))
        #expect(text.contains("connect-rate #1 5") && text.contains("requests none 30"))
        #expect(!text.contains { $0.hasPrefix("proxied") })
    }

    @Test func tellsOfChangesThatAreOver() {
        var report = report()
        report.changed = .init(time: "T", uid: 1000)
        #expect(lines(report.text(width: nil)).contains("set live nothing (last changed T by uid 1000)"))
    }

    @Test func takesNamesAndProxiedBytesFromTheAgent() throws {
        let client = ClientReport(Client(name: "checkout"), number: 1)
        var model = ModelReport(name: "llama", source: .catalog)
        model.bytesIn = 5
        model.bytesOut = 6
        let named = report().named(by: AgentFacts(clients: [client], models: [model]))
        #expect(named.refusals.map(\.name) == ["checkout", nil])
        #expect(named.bytes.proxied == .init(sent: 5, received: 6))
        #expect(lines(named.text(width: nil)).contains("connect-rate checkout 5"))
        #expect(report().named(by: AgentFacts()) == report())
    }

    @Test func jsonHasNumbersAndLeavesOutWhatIsNot() throws {
        let text = String(decoding: try ControlLine.encode(report { $0.requests = .unlimited }), as: UTF8.self)
        #expect(text.contains(#""requests":{"configured":"100/s","live":"none","source":"live","value":"none"}"#))
        #expect(text.contains(#""burst":{"amount":20,"configured":"20","source":"file","value":"20"}"#))
        #expect(
            text.contains(
                #"{"admitted":1020,"capacity":20,"contended":0,"level":12,"observed":2,"owed":0,"refused":30}"#))
        #expect(text.contains(#""bytes":{"direct":{"received":2048,"sent":10}}"#))
        #expect(text.contains(#""refusals":[{"client":1,"count":5,"reason":"connect-rate"}"#))
        #expect(text.contains(#""connections":{"admitted":9,"cap":200,"observed":0,"open":4}"#))
        #expect(text.contains(#""sockets":{"applied":0,"applyFailed":0,"requests":{"active":4,"share":1048576}"#))
        #expect(!text.contains("changed") && !text.contains("proxied"))
    }

    @Test func changesAreShownFromBeforeToAfter() {
        var before = QoS()
        before.requests = Rate(100, per: .second)
        var after = before
        after.requests = Rate(300, per: .second)
        after.burst = 30
        let report = QoSChangeReport(
            model: "llama", version: 8, uid: 0, before: before,
            after: QoSSettings(configured: before, live: after, inForce: after), given: [.mode], socketsReached: 2)
        #expect(report.summary == "requests 100/s -> 300/s, burst 10 -> 30, mode enforce -> enforce")
        #expect(
            lines(report.text) == [
                "model llama", "requests 100/s -> 300/s", "burst 10 -> 30", "mode enforce -> enforce (as before)",
                "in force version 8, on 2 live sockets at once", "",
            ])
    }

    @Test func aBurstThatNobodyGaveIsNoChange() {
        var before = QoS()
        before.connects = Rate(50, per: .second)
        var after = QoS()
        after.connects = Rate(0, per: .second)
        let report = QoSChangeReport(
            model: "m", version: 2, uid: 0, before: before, after: QoSSettings(inForce: after), given: [], socketsReached: nil)
        #expect(report.summary == "connects 50/s -> 0/s")
        #expect(report.text.contains("live sockets follow with their next round trip"))
    }

    @Test func aResetThatEndsNothingSaysSo() {
        let report = QoSChangeReport(
            model: "m", version: 1, uid: 0, before: QoS(), after: QoSSettings(), given: [], socketsReached: 0)
        #expect(report.changes.isEmpty && report.text.contains("nothing was set by hand"))
    }

    @Test func unknownModelsGetNearMisses() {
        #expect(UnknownModel.text("lama-70b", among: ["llama-70b", "minilm"]).hasSuffix("did you mean \"llama-70b\"?"))
        #expect(UnknownModel.text("gpt", among: ["b", "a"]).hasSuffix("there are: a, b"))
        #expect(UnknownModel.text("gpt", among: []).hasSuffix("none has one"))
        #expect(UnknownModel.text("gpt", among: (0..<12).map { "model-\($0)" }).hasSuffix("and 2 more"))
    }

    @Test func modelListShowsLimitsWhereTheyFit() {
        let models = ModelDetail.all([ModelReport(name: "llama", source: .catalog)], with: [report { $0.bandwidth = 1 << 20 }])
        let wide = lines(ModelDetail.table(models, width: nil))
        #expect(
            wide[0].hasPrefix("MODEL SOURCE LIMITS ENDPOINTS") && wide[1].hasPrefix("llama catalog 100/s, 200 open, 1MiB/s* 0 0"))
        #expect(!ModelDetail.table(models, width: 110).contains("LIMITS"))
        #expect(!ModelDetail.table(ModelDetail.all(models.map(\.report), with: []), width: nil).contains("LIMITS"))
    }
}
