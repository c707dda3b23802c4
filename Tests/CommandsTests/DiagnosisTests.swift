import Catalog
import Commands
import Control
import KernelPlane
import Testing

@Suite struct DiagnosisTests {
    /// A machine on which everything is as it should be.
    private var healthy: HostReading {
        var reading = HostReading()
        reading.isRoot = true
        reading.kernelRelease = "6.18.44"
        reading.hasBTF = true
        reading.cgroupMount = "/sys/fs/cgroup"
        reading.pinDirectory = "/sys/fs/bpf/modelbroker"
        reading.pinsOnBPFFileSystem = true
        reading.features = [HostFeature(name: "sockmap", available: true, required: true, note: "")]
        reading.unprivilegedBPFDisabled = 2
        reading.plane = .pinned(
            programs: [program()], targets: [SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 15001), nil, nil, nil],
            listening: [true, false, false, false])
        reading.agent = .running(StatusReport())
        return reading
    }

    private func program(cgroup: UInt64 = 1, neighbours: [ProgramInfo.Neighbour] = []) -> ProgramInfo {
        ProgramInfo(
            name: "mb_connect4", id: 3, hook: "cgroup/connect4", linkID: 4, cgroup: cgroup, cgroupPath: "/c", tag: "t",
            loadedBytes: 1, jitedBytes: 1, runCount: 0, runNanoseconds: 0, neighbours: neighbours)
    }

    private func findings(_ verdict: Check.Verdict, _ change: (inout HostReading) -> Void) -> [String] {
        var reading = healthy
        change(&reading)
        return Diagnosis.checks(of: reading).filter { $0.verdict == verdict }.map(\.name)
    }

    @Test func findsNothingWrongWithAHealthyMachine() {
        let checks = Diagnosis.checks(of: healthy)
        #expect(checks.count >= 9)
        #expect(checks.allSatisfy { $0.verdict == .ok && $0.advice == nil })
    }

    @Test func failsWhatTheBrokerCannotDoWithout() {
        #expect(findings(.fail) { $0.missingCapabilities = [.bpf] } == ["privileges"])
        #expect(findings(.warn) { $0.missingCapabilities = [.bpf] } == ["kernel features"])
        #expect(findings(.fail) { $0.kernelRelease = "5.10.0-30-amd64" } == ["kernel"])
        #expect(findings(.fail) { $0.hasBTF = false } == ["BTF"])
        #expect(findings(.fail) { $0.cgroupMount = nil } == ["cgroup v2"])
        #expect(findings(.fail) { $0.pinsOnBPFFileSystem = false } == ["bpffs"])
        let mountable = { (reading: inout HostReading) in
            reading.pinsOnBPFFileSystem = false
            reading.pinsCanBeMounted = true
        }
        #expect(findings(.fail, mountable).isEmpty && findings(.warn, mountable).contains("bpffs"))
        #expect(findings(.fail) { $0.features[0].available = false } == ["kernel feature"])
        #expect(findings(.fail) { $0.plane = .unreadable("no") } == ["pins"])
        #expect(findings(.fail) { $0.agent = .silent("no") } == ["agent"])
    }

    @Test func warnsOfWhatCouldBeBetter() {
        #expect(findings(.warn) { $0.kernelRelease = "5.15.0" } == ["kernel"])
        #expect(findings(.warn) { $0.kernelRelease = "" } == ["kernel"])
        #expect(findings(.warn) { $0.unprivilegedBPFDisabled = 0 } == ["unprivileged BPF"])
        #expect(findings(.warn) { $0.agent = .absent } == ["agent"])
        #expect(
            findings(.warn) {
                $0.features[0].available = false
                $0.features[0].required = false
            } == ["kernel feature"])
    }

    @Test func acceptsAHybridHierarchyAndAnEmptyMachine() {
        #expect(findings(.fail) { $0.cgroupMount = "/sys/fs/cgroup/unified" } == [])
        #expect(findings(.fail) { $0.plane = .absent } == [])
    }

    @Test func namesDeadListenersAndOrphans() {
        let target = SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 15001)
        #expect(
            findings(.fail) {
                $0.plane = .pinned(
                    programs: [program()], targets: [target, nil, target, nil], listening: [true, false, false, false])
            }
                == ["listener pod4"])
        #expect(
            findings(.fail) { $0.plane = .pinned(programs: [program(cgroup: 0)], targets: [target], listening: [true]) } == [
                "pins"
            ])
        #expect(
            findings(.fail) { $0.plane = .pinned(programs: [program()], targets: [target], listening: []) } == ["listener host4"])
    }

    @Test func tellsTheOrderOfNeighbours() throws {
        var reading = healthy
        let other = ProgramInfo.Neighbour(id: 12, name: "sock4_connect", before: true)
        reading.plane = .pinned(programs: [program(neighbours: [other])], targets: [nil], listening: [])
        let check = try #require(Diagnosis.checks(of: reading).first { $0.name == "neighbours" })
        #expect(check.verdict == .warn && check.finding == "cgroup/connect4: sock4_connect#12 runs before ours")
    }

    @Test func takesOurOwnProgramsForNoNeighbours() {
        let own = ProgramInfo.Neighbour(id: 3, name: "mb_connect4", before: true)
        #expect(
            findings(.warn) { $0.plane = .pinned(programs: [program(neighbours: [own])], targets: [], listening: []) } == [
                "listeners"
            ])
    }

    @Test func printsOneLineForEach() {
        #expect(Check.ok("a", "b").line == "ok    a: b")
        #expect(Check.fail("a", "b", "c").line == "FAIL  a: b  — c")
        #expect(Check.warn("a", "b\n", "c").line == "warn  a: b\\u{A}  — c")
    }
}
