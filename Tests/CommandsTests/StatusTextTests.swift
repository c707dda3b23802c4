import Commands
import Control
import Testing

@Suite struct StatusTextTests {
    private func lines(_ change: (inout StatusReport) -> Void) -> [String] {
        var status = StatusReport()
        status.agent.pid = 7
        status.agent.version = "1.2.3"
        status.configuration.path = "/etc/mb.yaml"
        status.configuration.generation = 4
        status.configuration.proxyGeneration = 4
        change(&status)
        return status.text.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
    }

    @Test func saysWhichConfigurationIsInForce() {
        #expect(lines { _ in }.contains("config /etc/mb.yaml, generation 4"))
        #expect(
            lines { $0.configuration.proxyGeneration = 3 }.contains("config /etc/mb.yaml, generation 4 (the proxy still has 3)"))
        #expect(
            lines { $0.configuration.proxyGeneration = nil }.contains("config /etc/mb.yaml, generation 4 (not in the proxy yet)"))
    }

    @Test func namesTheFaultsOfTheLastReload() {
        let text = lines {
            $0.configuration.lastReload = ReloadReport(
                time: "T", accepted: false, generation: 4, faults: ["line 1: a", "line 2: b"])
        }
        #expect(text.contains("reload refused with 2 faults at T"))
        #expect(text.contains("line 1: a") && text.contains("line 2: b"))
    }

    @Test func tellsHowTheProxyIs() {
        let text = lines {
            $0.proxy.state = .backoff
            $0.proxy.restarts = 1
            $0.proxy.lastExit = "signal 9"
            $0.proxy.residentBytes = 20 << 20
        }
        #expect(text.contains("proxy backoff, 20 MiB, 1 restart, last ended by signal 9"))
    }

    @Test func shoutsAboutDeadListeners() {
        let text = lines {
            $0.kernel.listeners = [
                .init(name: "host4", address: "127.0.0.1:1", alive: true), .init(name: "host6", address: "[::1]:1", alive: false),
                .init(name: "pod4", address: nil, alive: false),
            ]
        }
        #expect(text.contains("listeners host4 127.0.0.1:1 alive"))
        #expect(text.contains("host6 [::1]:1 NOT LISTENING") && text.contains("pod4 not configured"))
    }

    @Test func complaintsAreToldOnce() {
        let text = lines {
            var export = ExportReport(name: "remote-write", target: "a:1")
            export.fault = "refused"
            $0.exports = [export]
            $0.complaints = ["remote-write to a:1: refused", "audit: full", "b"]
        }
        #expect(text.contains("complaints audit: full") && text.contains("b"))
        #expect(text.count { $0.contains("remote-write") } == 1)
    }

    @Test func showsTroubleCountersOnlyWhenTheyCount() {
        let quiet = lines { $0.kernel.counters = ["connects": 5, "event_lost": 0] }
        #expect(quiet.contains("connects 5 (connects seen)") && !quiet.contains { $0.hasPrefix("event_lost") })
        let loud = lines { $0.kernel.counters = ["event_lost": 2, "newcomer": 1] }
        #expect(loud.contains("event_lost 2 (event ring full)") && loud.contains("newcomer 1"))
    }
}
