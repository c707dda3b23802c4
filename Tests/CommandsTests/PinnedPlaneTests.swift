import Catalog
import Commands
import Control
import Glibc
import KernelPlane
import Synchronization
import Testing

/// The commands on a real plane: programs attached to cgroups of the test, pins on a BPF file system of the test.
@Suite(.serialized) struct PinnedPlaneTests {
    /// Under CI a machine that cannot run these fails them.
    private static let runs = getenv("CI") != nil || (geteuid() == 0 && HostFacts.hasBTF() && HostFacts.cgroup2Mount() != nil)

    private struct Place {
        var runDirectory: String
        var pins: String
        var broker: String
        var capture: String

        func run(_ arguments: String...) -> Int32 { run(arguments) }

        func run(_ arguments: [String]) -> Int32 {
            ModelBroker.run(["--run-dir", runDirectory, "--pin-dir", pins] + arguments)
        }

        var client: ControlClient { ControlClient(runDirectory: runDirectory, patience: 500) }
    }

    private func withPlane(_ body: (Place) throws -> Void) throws {
        let root = try Scratch.directory()
        defer { Scratch.remove(root) }
        let file = root + "/bpf"
        try #require(mkdir(file, 0o700) == 0)
        defer { _ = rmdir(file) }
        try #require(mount("modelbroker-test", file, "bpf", 0, nil) == 0)
        defer { _ = umount2(file, Int32(MNT_DETACH)) }
        let capture =
            try #require(HostFacts.cgroup2Mount()) + "/modelbroker-cli-test-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let cgroups = [capture, capture + "/broker", capture + "/broker/agent", capture + "/broker/proxy"]
        defer { for path in cgroups.reversed() { _ = rmdir(path) } }
        for path in cgroups { try #require(mkdir(path, 0o755) == 0) }
        let place = Place(runDirectory: root, pins: file + "/mb", broker: capture + "/broker", capture: capture)
        defer { _ = try? PlaneRemoval.detach(pinDirectory: place.pins) }
        try install(place)
        try body(place)
    }

    private func install(_ place: Place) throws {
        let plane = try KernelPlane.open(
            PlaneLocation(pinDirectory: place.pins, captureCgroup: place.capture, brokerCgroup: place.broker))
        let network = try #require(CIDR(address: IPAddress(v4: 127, 64, 0, 0), prefixLength: 16))
        var qos = QoS()
        qos.requests = Rate(100, per: .second)
        let slots = try plane.apply(models: [ModelEntry(name: "llama", qos: qos, isPrivate: true), ModelEntry(name: "free")])
        try #require(slots.byName.count == 2)
        let target = SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 15001)
        try plane.apply(
            settings: PlaneSettings(
                generation: 5, hostNetnsCookie: try #require(HostFacts.hostNetnsCookie()), targets: [target, nil, nil, nil]),
            rules: [
                CaptureRule(
                    name: "llm", to: [80, 8000].map { Destination(network: network, port: $0) }, whenProxyDown: .refuse,
                    model: "llama")
            ], workloads: [:], slots: slots.byName)
    }

    @Test(.enabled(if: runs, "needs root, BTF and cgroup v2")) func readsThePinnedMapsWithoutAnAgent() throws {
        try withPlane { place in
            for command in [["capture", "list"], ["prog", "list"], ["map", "list"], ["map", "dump", "rules4"]] {
                #expect(place.run(command) == 0)
                #expect(place.run(command + ["-j"]) == 0)
            }
            #expect(place.run("map", "dump", "nonsense") == 1)
            #expect(place.run("status") == 1)
            let plane = try PlaneInspector(pinDirectory: place.pins)
            let rules = try CaptureReport.grouped(plane.rules()) { id in try plane.ruleCounters(id) }
            #expect(rules.map(\.destinations) == [["127.64.0.0/16:80", "127.64.0.0/16:8000"]])
            #expect(rules.first?.whenProxyDown == "refuse")
            let table = CaptureReport.table(
                try CaptureReport.grouped(plane.rules(), models: [1: "llama"]) { id in try plane.ruleCounters(id) }, width: nil)
            #expect(table.contains("  llama  "))
            let programs = ProgramReport.all(try plane.programs())
            #expect(programs.count >= 7 && programs.allSatisfy { $0.neighbours.isEmpty })
            #expect(programs.contains { $0.hook == "cgroup/connect4" && $0.cgroupPath == place.capture })
            #expect(ProgramReport.table(programs, width: nil).contains(place.capture))
        }
    }

    @Test(.enabled(if: runs, "needs root, BTF and cgroup v2")) func setsAndResetsEntries() throws {
        try withPlane { place in
            defer { _ = unlink(place.runDirectory + "/audit.jsonl") }
            #expect(place.run("qos", "show") == 0 && place.run("qos", "show", "llama", "-p") == 0)
            #expect(place.run("qos", "set", "llama", "--requests", "300/s", "--burst", "30", "--bandwidth", "none") == 0)
            let entry = try report("llama", place)
            #expect(entry.settings["requests"]?.value == "300/s" && entry.settings["requests"]?.configured == "100/s")
            #expect(
                entry.settings["bandwidth"] == .init(value: "none", amount: nil, source: .live, configured: nil, live: "none"))
            #expect(entry.buckets["requests"]?.capacity == 30 && entry.changed?.uid == getuid() && entry.access == "private")
            #expect(place.run("qos", "reset", "llama") == 0)
            let after = try report("llama", place)
            #expect(after.settings["requests"]?.source == .file && after.liveFields.isEmpty && after.version > entry.version)
            #expect(try auditLines(place) == 2)
        }
    }

    @Test(.enabled(if: runs, "needs root, BTF and cgroup v2")) func setsAllOrNothing() throws {
        try withPlane { place in
            defer { _ = unlink(place.runDirectory + "/audit.jsonl") }
            let before = try report("free", place)
            #expect(place.run("qos", "set", "free", "--connects", "5/s", "--dscp", "64") == 2)
            // Each is right by itself; together they are not.
            #expect(place.run("qos", "set", "free", "--connects", "5/s", "--token-burst", "7") == 1)
            #expect(place.run("qos", "set", "free", "--connects", "5/s", "--class", "guaranteed") == 1)
            #expect(place.run("qos", "set", "fre", "--connects", "5/s") == 1)
            #expect(place.run("qos", "reset", "gone") == 1 && place.run("qos", "show", "gone") == 1)
            #expect(try report("free", place) == before)
            #expect(try auditLines(place) == 0)
        }
    }

    @Test(.enabled(if: runs, "needs root, BTF and cgroup v2")) func changesNothingThatCannotBeAudited() throws {
        try withPlane { place in
            let path = place.runDirectory + "/audit.jsonl"
            try #require(mkdir(path, 0o700) == 0)
            defer { _ = rmdir(path) }
            let before = try report("free", place)
            #expect(place.run("qos", "set", "free", "--connects", "5/s") == 1)
            #expect(try report("free", place) == before)
        }
    }

    @Test(.enabled(if: runs, "needs root, BTF and cgroup v2")) func tellsARunningAgent() throws {
        let asked = Mutex("")
        let agent = try FakeAgent { connection in
            asked.withLock { $0 = connection.line() }
            connection.send("{\"ok\":true,\"data\":{}}\n")
        }
        try withPlane { place in
            var place = place
            place.runDirectory = agent.directory
            defer { _ = unlink(agent.directory + "/audit.jsonl") }
            #expect(place.run("qos", "set", "llama", "--requests", "none") == 0)
        }
        let request = try ControlLine.decode(ControlRequest.self, from: Array(asked.withLock { $0 }.utf8))
        #expect(request == .qosChanged(QoSNotice(model: "llama", uid: getuid(), change: "requests 100/s -> none")))
    }

    private func report(_ model: String, _ place: Place) throws -> QoSReport {
        QoSReport(try #require(try QoSTable(pinDirectory: place.pins).model(model)))
    }

    private func auditLines(_ place: Place) throws -> Int {
        guard let file = fopen(place.runDirectory + "/audit.jsonl", "re") else { return 0 }
        defer { fclose(file) }
        var count = 0
        while true {
            let byte = fgetc(file)
            if byte == EOF { return count }
            if byte == 10 { count += 1 }
        }
    }

    @Test(.enabled(if: runs, "needs root, BTF and cgroup v2")) func dumpsEveryMap() throws {
        try withPlane { place in
            let plane = try PlaneInspector(pinDirectory: place.pins)
            for map in try plane.maps() where map.entries != nil {
                #expect(place.run("map", "dump", map.name) == 0, "\(map.name)")
            }
        }
    }

    @Test(.enabled(if: runs, "needs root, BTF and cgroup v2")) func hasWordsForEveryCounter() throws {
        try withPlane { place in
            let counters = try PlaneInspector(pinDirectory: place.pins).counters()
            let text = KernelCounters.text(Dictionary(uniqueKeysWithValues: counters.map { ($0.name, 1) }))
            let lines = text.split(separator: "\n")
            #expect(lines.count == counters.count)
            #expect(lines.allSatisfy { $0.hasSuffix(")") })
        }
    }

    @Test(.enabled(if: runs, "needs root, BTF and cgroup v2")) func diagnosesADeadProxy() throws {
        try withPlane { place in
            let reading = HostReading.here(pinDirectory: place.pins, client: place.client)
            let failed = Diagnosis.checks(of: reading).filter { $0.verdict == .fail }
            #expect(failed.map(\.name) == ["listener host4"])
            #expect(place.run("doctor") == 1)
        }
    }

    @Test(.enabled(if: runs, "needs root, BTF and cgroup v2")) func detachesWithoutAgentOrNotes() throws {
        try withPlane { place in
            let report = Removal.run(runDirectory: place.runDirectory, pinDirectory: place.pins, client: place.client)
            #expect(report.failed == [])
            #expect(report.removed.contains { $0.hasPrefix("link ") } && report.removed.contains { $0.hasPrefix("map ") })
            #expect(report.removed.contains("cgroup \(place.broker)"))
            #expect(access(place.pins, F_OK) != 0 && access(place.broker, F_OK) != 0 && access(place.capture, F_OK) == 0)
            #expect(place.run("detach") == 0)
            #expect(place.run("prog", "list") == 1)
        }
    }
}
