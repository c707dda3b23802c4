import Catalog
import Commands
import Control
import KernelPlane
import Testing

@Suite struct CaptureGroupingTests {
    private func entry(_ id: UInt32, _ last: UInt8) throws -> KernelRule {
        let network = try #require(CIDR(address: IPAddress(v4: 10, 0, 0, last), prefixLength: 32))
        return KernelRule(destination: Destination(network: network, port: 0), id: id, path: .proxy, whenDown: .refuse)
    }

    @Test func bringsTheDestinationsOfARuleTogether() throws {
        let reports = try CaptureReport.grouped([entry(2, 9), entry(0, 5), entry(2, 3)]) { id in
            RuleCounters(captured: UInt64(id) + 1)
        }
        #expect(reports.map(\.id) == [0, 2])
        #expect(reports[1].destinations == ["10.0.0.3/32:*", "10.0.0.9/32:*"])
        #expect(reports[1].counters.captured == 3 && reports[1].whenProxyDown == "refuse" && reports[1].name == nil)
        let table = CaptureReport.table(reports, width: nil)
        #expect(table.contains("10.0.0.3/32:*,10.0.0.9/32:*") && table.hasPrefix("ID  RULE"))
    }
}
