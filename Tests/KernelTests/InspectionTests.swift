import BPF
import Catalog
import Glibc
import KernelPlane
import Testing

extension KernelSuite {
    @Suite struct InspectionTests {
        @Test func programsAreDescribed() throws {
            try TestGround.with { ground in
                let broker = try Broker(ground, rules: [rule("127.64.0.0/16", 8000)])
                _ = broker
                let reader = try PlaneInspector(pinDirectory: ground.location.pinDirectory)
                let programs = try reader.programs()
                #expect(
                    programs.map(\.hook) == [
                        "iter/tcp", "cgroup/setsockopt", "cgroup/sock_release", "cgroup_skb/ingress", "cgroup_skb/egress",
                        "cgroup/getsockopt", "sockops", "sockops",
                        "cgroup/getpeername4", "cgroup/getpeername6",
                        "cgroup/connect4", "cgroup/connect6",
                    ])
                let connect = try #require(programs.first { $0.name == "mb_connect4" })
                #expect(connect.cgroupPath == ground.location.captureCgroup)
                #expect(connect.cgroup == (try ground.cgroupID()))
                #expect(connect.tag.count == 16 && connect.loadedBytes > 0 && connect.id > 0 && connect.linkID > 0)
                #expect(connect.neighbours.isEmpty)
                let passive = try #require(programs.first { $0.name == "mb_passive" })
                #expect(passive.cgroupPath == ground.location.brokerCgroup)
                #expect(passive.neighbours.map(\.name) == ["mb_active"])
            }
        }

        @Test func mapsAreDescribed() throws {
            try TestGround.with { ground in
                let broker = try Broker(
                    ground, rules: [rule("127.64.0.0/16", 8000), rule("127.65.0.0/16", 8000), rule("::1/128", 1)])
                let maps = try broker.plane.inspector().maps()
                let entries = Dictionary(uniqueKeysWithValues: maps.map { ($0.name, $0.entries) })
                #expect(maps.count == PlaneSize.maps)
                #expect(entries["rules4"] == 2)
                #expect(entries["rules6"] == 1)
                #expect(entries["listeners"] == 2)
                #expect(entries["workloads"] == 1)
                #expect(entries["flow_origins"] == 0)
                #expect(entries["origins"] == .some(nil))
                let rules = try #require(maps.first { $0.name == "rules4" })
                #expect(rules.type == "lpm_trie" && rules.keySize == 12 && rules.valueSize == 12 && rules.maxEntries == 65536)
                #expect(try #require(maps.first { $0.name == "events" }).bytes >= 1 << 18)
            }
        }

        @Test func mapsAreDumpedByName() throws {
            try TestGround.with { ground in
                let app = try ground.cgroupID("app")
                let broker = try Broker(
                    ground, rules: [rule("127.64.0.0/16", 8000), rule("::1/128", 1, .deny)],
                    workloads: [app: WorkloadEntry(client: 2, exempt: false)])
                let reader = broker.plane.inspector()
                #expect(
                    try text(reader.dump(map: "rules4")) == [
                        "destination=127.64.0.0/16:8000 rule=0 path=proxy when_down=refuse model=0"
                    ])
                #expect(
                    try text(reader.dump(map: "rules6")) == ["destination=[::1/128]:1 rule=1 path=deny when_down=refuse model=0"])
                #expect(
                    try text(reader.dump(map: "workloads")).contains(
                        "cgroup=\(app) path=\(ground.cgroup("app")) client=2 exempt=no listed=no"))
                #expect(try text(reader.dump(map: "settings")).first?.contains("target host4=127.0.0.1:\(broker.port4)") == true)
                #expect(try reader.dump(map: "counters").count == 30)
                #expect(try reader.dump(map: "rule_counters").count == 2)
                #expect(try text(reader.dump(map: "listeners")).filter { $0.hasSuffix("=none") }.count == 2)
                for name in ["origins", "sockets", "events", "nonsense", "../maps/settings"] {
                    #expect(throws: KernelPlaneError.self) { try reader.dump(map: name) }
                }
            }
        }

        /// While a connection is on its way to a proxy that does not take it, its origin can be seen.
        @Test func waitingOriginsAreDumped() throws {
            try TestGround.with { ground in
                let broker = try Broker(ground, rules: [rule("127.64.0.0/16", 8000)])
                // Nobody moves what was meant for this listener: it is outside of the broker's cgroup.
                let stranger = try ground.peer("out")
                let port = try stranger.listen("s", "127.0.0.1")
                let cookie = try #require(HostFacts.hostNetnsCookie())
                let target = SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: port)
                try broker.plane.apply(
                    settings: PlaneSettings(generation: 1, hostNetnsCookie: cookie, targets: [target, nil, nil, nil]),
                    rules: [rule("127.64.0.0/16", 8000)], workloads: [:])
                let app = try ground.peer("app")
                #expect(try app.connect("c", "127.64.0.10", 8000) == "ok")
                let entry = try #require(try text(broker.plane.inspector().dump(map: "flow_origins")).first)
                #expect(
                    entry.hasPrefix(
                        "caller=127.0.0.1:\(try app("port('c')")) listener=127.0.0.1:\(port) established=no dialled=127.64.0.10:8000 "
                    ))
                #expect(entry.contains(" pid=\(app.pid) "))
                try app("close('c')")
                try stranger("accept('s', 'a')")
                try stranger("close('a')")
                #expect(try eventually { try broker.flowOrigins == 0 })
            }
        }

        @Test func nothingPinnedIsAnError() throws {
            try TestGround.with { ground in
                let error = #expect(throws: KernelPlaneError.self) {
                    try PlaneInspector(pinDirectory: ground.location.pinDirectory)
                }
                #expect(error?.errno == ENOENT)
            }
        }

        @Test func aForeignProgramThatKeepsOthersOutIsNamed() throws {
            try TestGround.with { ground in
                let object = try BPFObject.capture()
                try object.load()
                let foreign = try object.program("mb_getsockopt")
                let pin = "\(ground.location.pinDirectory)-foreign"
                try Pin.make(foreign.rawDescriptor, at: pin)
                ground.onClean { unlink(pin) }
                // Attached the old way, exclusively.
                let stranger = try ground.peer("out")
                #expect(try stranger("exclusive('\(pin)', '\(ground.location.brokerCgroup)', 21)") == "attached")
                let error = #expect(throws: KernelPlaneError.self) { try KernelPlane.open(ground.location) }
                #expect(error?.errno == EPERM)
                #expect(error?.hint.contains("mb_getsockopt (id \(try foreign.facts().id))") == true)
                #expect(access(ground.location.pinDirectory, F_OK) < 0)
            }
        }
    }
}

/// `name=value` pairs of each entry.
private func text(_ entries: [DumpedEntry]) -> [String] {
    entries.map { entry in entry.map { "\($0.0)=\($0.1)" }.joined(separator: " ") }
}
