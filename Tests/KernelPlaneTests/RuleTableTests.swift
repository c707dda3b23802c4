import Catalog
import Testing

@testable import KernelPlane

@Suite struct RuleTableTests {
    private func rule(_ name: String, _ to: [Destination], _ path: CaptureRule.Path = .proxy) -> CaptureRule {
        CaptureRule(name: name, to: to, path: path, whenProxyDown: .refuse)
    }

    @Test func idsArePositions() throws {
        let one = try destination("10.0.0.0/8", port: 1)
        let two = try destination("::1/128", port: 2)
        let table = try RuleTable([rule("a", [one]), rule("b", [two], .deny)])
        #expect(table.entries[one] == RuleVerdict(id: 0, path: .proxy, whenDown: .refuse))
        #expect(table.entries[two] == RuleVerdict(id: 1, path: .deny, whenDown: .refuse))
    }

    @Test func theFirstRuleOwnsADestination() throws {
        let same = try destination("10.0.0.0/8", port: 1)
        #expect(try RuleTable([rule("a", [same]), rule("b", [same], .deny)]).entries[same]?.id == 0)
    }

    @Test func mappedNetworksAreIPv4() throws {
        let mapped = try destination("::ffff:10.0.0.0/104", port: 9)
        #expect(RuleTable.canonical(mapped) == (try destination("10.0.0.0/8", port: 9)))
        let wider = try destination("::/64", port: 9)
        #expect(RuleTable.canonical(wider) == wider)
        let other = try destination("::fffe:0:0/96", port: 9)
        #expect(RuleTable.canonical(other) == other)
    }

    @Test func onlyDifferencesAreWritten() throws {
        let kept = try destination("10.0.0.0/8", port: 1)
        let gone = try destination("10.0.0.0/8", port: 2)
        let new = try destination("10.0.0.0/8", port: 3)
        let old = try RuleTable([rule("a", [kept, gone])])
        let next = try RuleTable([rule("a", [kept, new])])
        #expect(Array(next.changes(from: old).keys) == [new])
        #expect(next.stale(in: old) == [gone])
        #expect(next.reusedIDs(from: old).isEmpty)
    }

    @Test func anIdThatMeansAnotherRuleIsReused() throws {
        let one = try destination("10.0.0.0/8", port: 1)
        let two = try destination("10.0.0.0/8", port: 2)
        let old = try RuleTable([rule("a", [one]), rule("b", [two])])
        #expect(try RuleTable([rule("b", [two])]).reusedIDs(from: old) == [0, 1])
        #expect(try RuleTable([rule("a", [one])]).reusedIDs(from: old) == [1])
    }

    @Test func tooManyAreRefusedBeforeAnythingIsWritten() throws {
        let destinations = try (0..<65537).map { index in
            let address = IPAddress(v4: 127, UInt8(index >> 16), UInt8(index >> 8 & 255), UInt8(index & 255))
            return Destination(network: try #require(CIDR(address: address, prefixLength: 32)), port: 0)
        }
        #expect(throws: KernelPlaneError.self) { try RuleTable([rule("a", destinations)]) }
        #expect(throws: Never.self) { try RuleTable([rule("a", Array(destinations.dropLast()))]) }
        #expect(throws: KernelPlaneError.self) {
            try RuleTable(Array(repeating: rule("a", []), count: 16385))
        }
    }
}

@Suite struct LinkAdoptionTests {
    @Test func decides() {
        #expect(LinkAdoption.decide(pinned: nil, wanted: 5) == .attach)
        #expect(LinkAdoption.decide(pinned: 5, wanted: 5) == .update)
        #expect(LinkAdoption.decide(pinned: 6, wanted: 5) == .replace)
        #expect(LinkAdoption.decide(pinned: 0, wanted: 5) == .replace)
    }
}

@Suite struct MountTableTests {
    @Test func prefersTheStandardPlaces() {
        let hybrid = """
            31 23 0:26 / /sys/fs/cgroup rw shared:9 - tmpfs tmpfs rw
            40 31 0:35 / /mnt/other rw - cgroup2 cgroup2 rw
            32 31 0:27 / /sys/fs/cgroup/unified rw,nosuid shared:10 - cgroup2 cgroup2 rw
            """
        #expect(MountTable(mountinfo: hybrid).cgroup2Mount == "/sys/fs/cgroup/unified")
        let whole = hybrid + "\n33 31 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw"
        #expect(MountTable(mountinfo: whole).cgroup2Mount == "/sys/fs/cgroup")
    }

    @Test func takesWhatThereIs() {
        let odd = "40 31 0:35 / /mnt/a\\040b\\134c rw opt:1 opt:2 - cgroup2 none rw"
        #expect(MountTable(mountinfo: odd).cgroup2Mount == "/mnt/a b\\c")
        #expect(MountTable(mountinfo: "").cgroup2Mount == nil)
    }

    @Test(arguments: ["x", "1 2 3 4 5 6", "1 2 3 4 5 6 7 -", "1 2 3:4 / /x rw cgroup2", "- - - - - - - -"])
    func passesOverNonsense(line: String) {
        #expect(MountTable(mountinfo: line).cgroup2Mount == nil)
    }
}
