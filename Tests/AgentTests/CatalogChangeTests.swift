import Catalog
import Testing

@testable import Agent

@Suite struct CatalogChangeTests {
    private func change(_ edit: (inout Catalog) -> Void) -> CatalogChange {
        let old = Catalog(
            node: Node(podAddresses: [IPAddress(v4: 169, 254, 77, 1)]), models: [Model(name: "m", endpoints: [endpoint])])
        var new = old
        edit(&new)
        return CatalogChange(from: old, to: new)
    }

    private let endpoint = Endpoint(host: "engine", port: 80, authority: "engine")

    @Test func nothingChanges() {
        let none = change { _ in }
        #expect(!none.anything && none.faults.isEmpty && !none.admin)
    }

    @Test func addressesOfNamesAreNoChangeOfTheFile() {
        let resolved = change {
            $0.models[0].endpoints[0].addresses = [SocketAddress(ip: IPAddress(v4: 10, 0, 0, 1), port: 80)]
        }
        #expect(!resolved.anything)
    }

    @Test func namesEveryKeyThatNeedsARestart() {
        let all = change {
            $0.node.cgroup = "/other"
            $0.node.user = "daemon"
            $0.node.proxy = .external
            $0.node.brokerCgroup = "/broker"
        }
        #expect(all.needRestart == ["node.cgroup", "node.brokerCgroup", "node.user", "node.proxy"])
        #expect(all.faults.count == 4)
        #expect(all.faults[0].hasPrefix("node.cgroup: "))
    }

    /// Spelling the default out is no change.
    @Test func theEffectiveBrokerCgroupCounts() {
        #expect(change { $0.node.brokerCgroup = "/modelbroker" }.needRestart.isEmpty)
    }

    @Test func podAddressesComeAndGo() {
        let moved = change { $0.node.podAddresses = [IPAddress(v4: 169, 254, 77, 2)] }
        #expect(moved.podAddressesAdded == [IPAddress(v4: 169, 254, 77, 2)])
        #expect(moved.podAddressesRemoved == [IPAddress(v4: 169, 254, 77, 1)])
        #expect(moved.faults.isEmpty && moved.anything)
    }

    @Test func adminMoves() { #expect(change { $0.node.admin.port = 1 }.admin) }
}
