import Catalog
import KernelPlane
import Testing

@testable import Agent

@Suite struct CgroupTreeTests {
    @Test func removesASubtreeAndNothingElse() {
        var tree = CgroupTree()
        for (id, path) in ["/", "/a", "/a/b", "/a/b/c", "/ab", "/z"].enumerated() { tree.insert(path, id: UInt64(id + 1)) }
        tree.remove("/a")
        #expect(Set(tree.ids.keys) == ["/", "/ab", "/z"])
        tree.remove("/")
        #expect(tree.count == 0)
    }

    @Test func isBounded() {
        var tree = CgroupTree()
        for id in 0..<CgroupTree.maximumCgroups { #expect(tree.insert("/c\(id)", id: UInt64(id)) == true) }
        #expect(tree.insert("/one-more", id: 1) == false)
        #expect(tree.insert("/c0", id: 7) == true, "a known path may get a new id")
        #expect(tree.count == CgroupTree.maximumCgroups)
    }

    @Test func pathsHaveParents() {
        #expect(CgroupTree.parent(of: "/") == nil)
        #expect(CgroupTree.parent(of: "/a") == "/")
        #expect(CgroupTree.parent(of: "/a/b") == "/a")
        #expect(CgroupTree.join("/", "a") == "/a")
        #expect(CgroupTree.join("/a", "b") == "/a/b")
        #expect(CgroupTree.depth(of: "/") == 0)
        #expect(CgroupTree.depth(of: "/a/b") == 2)
        #expect(!CgroupTree.isAncestor("/a", ofOrEqual: "/ab"))
        #expect(CgroupTree.isAncestor("/", ofOrEqual: "/ab"))
    }
}

@Suite struct WorkloadTableTests {
    private func tree(_ paths: [String: UInt64]) -> CgroupTree {
        var tree = CgroupTree()
        for (path, id) in paths { tree.insert(path, id: id) }
        return tree
    }

    private func entry(_ client: UInt32) -> WorkloadEntry { WorkloadEntry(client: client, exempt: false) }
    private let exempt = WorkloadEntry(client: 0, exempt: true)

    @Test func anEntryCoversItsSubtree() {
        let table = WorkloadTable(clients: [Client(name: "a", workloads: ["/jobs/**"])], brokerCgroup: "/modelbroker")
        let entries = table.entries(
            for: tree(["/": 1, "/modelbroker": 2, "/jobs": 3, "/jobs/a": 4, "/jobs/a/deep": 5, "/jobs/b": 6]))
        // Nothing for /jobs/a/deep: the entry above it says the same.
        #expect(entries[2] == exempt)
        #expect(entries[4] == entry(1) || entries[3] == entry(1))
        #expect(entries[5] == nil)
    }

    @Test func theDeepestPatternWins() {
        let table = WorkloadTable(
            clients: [Client(name: "all", workloads: ["/jobs"]), Client(name: "one", workloads: ["/jobs/special"])],
            brokerCgroup: "/modelbroker")
        let entries = table.entries(
            for: tree(["/jobs": 3, "/jobs/plain": 4, "/jobs/special": 5, "/jobs/special/inner": 6]))
        #expect(entries == [3: entry(1), 5: entry(2)])
    }

    @Test func theFirstClientWinsOfTwoThatMatch() {
        let table = WorkloadTable(
            clients: [
                Client(name: "none"), Client(name: "first", workloads: ["/j*"]), Client(name: "second", workloads: ["/jobs"]),
            ], brokerCgroup: "/modelbroker")
        #expect(table.entries(for: tree(["/jobs": 3])) == [3: entry(2)])
    }

    /// No pattern reaches into the broker's own cgroup: what runs there must never be captured.
    @Test func theBrokerIsExemptWhateverThePatternsSay() {
        let table = WorkloadTable(clients: [Client(name: "all", workloads: ["/**"])], brokerCgroup: "/a/broker")
        let entries = table.entries(for: tree(["/a": 1, "/a/broker": 2, "/a/broker/proxy": 3, "/a/broker2": 4]))
        #expect(entries[2] == exempt)
        #expect(entries[3] == nil)
        #expect(!entries.values.contains { $0.exempt && $0.client != 0 })
    }

    @Test func aPatternThatDoesNotParseMatchesNothing() {
        let table = WorkloadTable(clients: [Client(name: "a", workloads: ["", "no-slash", "/ok"])], brokerCgroup: "/b")
        #expect(table.entries(for: tree(["/ok": 1, "/no-slash": 2])) == [1: entry(1)])
    }

    @Test func differences() {
        let difference = WorkloadDifference(
            from: [1: entry(1), 2: entry(2), 3: exempt], to: [1: entry(1), 2: entry(9), 4: entry(4)])
        #expect(difference.set == [2: entry(9), 4: entry(4)])
        #expect(difference.removed == [3])
    }
}
