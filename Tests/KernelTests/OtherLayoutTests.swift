import BPF
import Catalog
import Glibc
import Testing

@testable import KernelPlane

extension KernelSuite {
    /// Agents of another version, whose maps have other layouts, come and go while connections are made.
    @Suite struct OtherLayoutTests {
        private static let other = ABIVersion(number: 1000, floor: 2)

        /// The same programs with `shift` put into their structures.
        private static func object() throws -> BPFObject {
            let path = #filePath.replacing("Tests/KernelTests/OtherLayoutTests.swift", with: "bpf/build/shifted.bpf.o")
            guard let file = fopen(path, "re") else { throw Failure("\(path) is missing: run make bpf") }
            defer { fclose(file) }
            var bytes = [UInt8](repeating: 0, count: 4 << 20)
            let count = fread(&bytes, 1, bytes.count, file)
            let whole = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 8)
            defer { whole.deallocate() }
            whole.copyBytes(from: bytes.prefix(count))
            return try BPFObject(name: "shifted", bytes: UnsafeRawBufferPointer(whole))
        }

        /// An agent of the other version takes over; nil: from its like.
        @discardableResult
        private func takeOver(_ ground: TestGround) throws -> UInt32? {
            let assembly = PlaneAssembly(ground.location, hasIterator: true, abi: Self.other)
            return try assembly.assemble(try Self.object()).formerVersion
        }

        @Test func nothingIsLostWhileLayoutsChange() throws {
            try TestGround.with { ground in
                let app = try ground.cgroupID("app")
                let broker = try Broker(ground, rules: [])
                let models = [ModelEntry(name: "m", qos: qos { $0.connections = 5000 }), ModelEntry(name: "other")]
                let slots = try broker.plane.apply(models: models).byName
                _ = try broker.plane.qos.set("m", qos { $0.priority = 5 }, by: 7)
                // Nobody listens there: a connect that were not captured would be refused.
                var rule = try rule("127.64.0.0/16", 8000, .proxy, .refuse)
                rule.model = "m"
                try broker.apply([rule], workloads: [app: WorkloadEntry(client: 4, exempt: false)], slots: slots)
                try broker.proxy("swallow('l4', False)")
                let keeper = try ground.peer("app")
                for index in 0..<3 { #expect(try keeper.connect("k\(index)", "127.64.0.10", 8000) == "ok") }

                let caller = try ground.peer("app")
                try caller.start("hammer('127.64.0.10', 8000, 5, 0.001, threads=2, least=200)")
                var plane: KernelPlane?
                for round in 0..<2 {
                    #expect(try takeOver(ground) == ABIVersion.own.number, "round \(round)")
                    #expect(throws: KernelPlaneError.self) { try PlaneInspector(pinDirectory: ground.location.pinDirectory) }
                    plane = try KernelPlane.open(ground.location)
                    #expect(plane?.formerVersion == 1000 && plane?.adopted == true)
                }
                let seen = pairs(try caller.answer())
                #expect(Set(seen.keys) == hammerTimes.union(["ok"]), "\(seen)")
                let now = try #require(plane)
                let reader = now.inspector()
                #expect(try reader.rules().count == 1 && reader.workloads()[app]?.client == 4)
                #expect(try reader.listeners() == [true, true, false, false])
                let qos = try #require(try now.qos.model("m"))
                #expect(qos.live.priority == 5)
                #expect(try eventually { try now.qos.model("m")?.open == 3 }, "no place is lost, and none is left over")
                #expect(try now.qos.model("other") != nil)
                let made = UInt64(seen["ok"] ?? 0) + 3
                #expect(try reader.ruleCounters(0).captured == made)
                let counters = Dictionary(uniqueKeysWithValues: try reader.counters().map { ($0.name, $0.value) })
                #expect(counters["captured"] == made && counters["connects"] == made, "\(counters)")
                #expect(qos.connects == made)
                for index in 0..<3 { try keeper("close('k\(index)')") }
                #expect(try eventually { try now.qos.model("m")?.open == 0 })
            }
        }

        /// What is counted in both maps at once, in each of those in which programs count.
        @Test func whatIsCountedMeanwhileComesAfter() throws {
            let former = try Self.object()
            let new = try BPFObject.capture()
            let (old, needed) = (try LayoutNotes(former, Self.other), try LayoutNotes(new, .own))
            try former.load()
            try new.load()
            func raw(_ map: PlaneMap, _ object: borrowing BPFObject) throws -> RawMap {
                try RawMap(try object.descriptor(ofMap: map.rawValue), name: map.rawValue)
            }
            for map in PlaneMap.allCases where map.holding == .counts {
                let (has, needs) = (try #require(old.maps[map.rawValue]), try #require(needed.maps[map.rawValue]))
                let carriage = MapCarriage(
                    from: try raw(map, former), to: try raw(map, new),
                    key: try LayoutConversion(from: has.key, to: needs.key, size: Int(needs.shape.keySize)),
                    value: try LayoutConversion(from: has.value, to: needs.value, size: Int(needs.shape.valueSize)))
                let from = try raw(map, former)
                let to = try raw(map, new)
                let early: [UInt8] = (0..<Int(has.shape.keySize)).map { $0 % 4 == 0 ? 1 : 0 }
                let late = early.map { $0 * 2 }
                let parts = needs.value.map(\.path)

                try from.fill(early, 1000, has, parts)
                try carriage.copy(remembering: true)
                #expect(try to.sums(early, needs) == from.sums(early, has).filter { parts.contains($0.key) })
                try to.fill(early, 5000, needs, parts)
                // Meanwhile the former programs count 300, and something that was not there yet.
                try from.fill(early, 1300, has, parts)
                try from.fill(late, 70, has, parts)
                try carriage.settle(map, by: try new.program("mb_carry"))
                let (first, second) = (try to.sums(early, needs), try to.sums(late, needs))
                let cpus = UInt64(try to.processors)
                for (index, part) in parts.enumerated() {
                    let (rises, index) = (map.rising.contains(part), UInt64(index))
                    #expect(first[part] == (index + (rises ? 5000 : 5300)) * cpus, "\(map) \(part)")
                    #expect(second[part] == (70 + index) * (rises ? 1 : cpus), "\(map) \(part)")
                }
            }
        }

        @Test(arguments: ["mb_setsockopt", "mb_getpeername6"]) func whatFailsHalfwayIsTakenBack(broken: String) throws {
            let program = try #require(PlaneProgram(rawValue: broken))
            try TestGround.with { ground in
                let broker = try Broker(ground, rules: [rule("127.64.0.0/16", 8000)])
                let pins = PinDirectory(path: ground.location.pinDirectory)
                let programs = try broker.plane.inspector().programs().filter { $0.name != broken }.map(\.id)
                let maps = try broker.plane.inspector().maps().map(\.id)
                // The connect programs come before it, the others partly.
                #expect(unlink(pins.pin(of: program)) == 0 && mkdir(pins.pin(of: program), 0o700) == 0)
                #expect(throws: KernelPlaneError.self) { try takeOver(ground) }
                #expect(rmdir(pins.pin(of: program)) == 0)

                let after = try PlaneInspector(pinDirectory: pins.path)
                #expect(try after.maps().map(\.id) == maps)
                #expect(try after.programs().filter { $0.name != broken }.allSatisfy { programs.contains($0.id) })
                #expect(access(pins.aside, F_OK) < 0)
                #expect(try ground.peer("app").connect("c", "127.64.0.10", 8000) == "ok")
                #expect(try after.ruleCounters(0).captured == 1)
                // And the next one gets through.
                #expect(try takeOver(ground) == ABIVersion.own.number)
            }
        }

        @Test func aPlaneWithoutNotesIsOfTheLastVersionWithout() throws {
            try TestGround.with { ground in
                let broker = try Broker(ground, rules: [rule("127.64.0.0/16", 8000)])
                let pins = PinDirectory(path: ground.location.pinDirectory)
                #expect(unlink(pins.notes) == 0)
                try broker.proxy("map_open('settings', '\(pins.maps)/settings')")
                #expect(try broker.proxy("map_version('settings', 2)") == "put")
                let plane = try KernelPlane.open(ground.location)
                #expect(plane.formerVersion == 2 && plane.adopted)
                #expect(try ground.peer("app").connect("c", "127.64.0.10", 8000) == "ok")
                #expect(try plane.inspector().ruleCounters(0).captured == 1)
                #expect(access(pins.notes, F_OK) == 0)
            }
        }

        @Test func whatWasKilledInTheMiddleIsTakenUpAgain() throws {
            try TestGround.with { ground in
                let broker = try Broker(ground, rules: [rule("127.64.0.0/16", 8000)])
                let pins = PinDirectory(path: ground.location.pinDirectory)
                try pins.makeAside()
                try Pin.make(broker.plane.listenersDescriptor, at: pins.aside + "/listeners")
                #expect(try takeOver(ground) == ABIVersion.own.number)
                #expect(access(pins.aside, F_OK) < 0)
                #expect(try ground.peer("app").connect("c", "127.64.0.10", 8000) == "ok")
            }
        }

        /// One of the other version has put its maps in place, and is killed before any of its programs is.
        private func takeOverByHalf(_ ground: TestGround) throws {
            let pins = PinDirectory(path: ground.location.pinDirectory)
            let object = try Self.object()
            var standing = try StandingMaps(pins, Self.other)
            let notes = try LayoutNotes(object, Self.other)
            try standing.adopt(object, notes)
            try object.load()
            var (log, move) = (AssemblyLog(pins), MapMove(pins, notes))
            try move.run(standing, object, &log)
        }

        @Test(arguments: [false, true]) func whatIsCountedAfterAnAgentWasKilledIsNotLost(goesBack: Bool) throws {
            try TestGround.with { ground in
                let pins = PinDirectory(path: ground.location.pinDirectory)
                let broker = try Broker(ground, rules: [])
                let models = [ModelEntry(name: "m", qos: qos { $0.connections = 4 })]
                let slots = try broker.plane.apply(models: models).byName
                var rule = try rule("127.64.0.0/16", 8000, .proxy, .refuse)
                rule.model = "m"
                try broker.apply([rule], slots: slots)
                try broker.proxy("swallow('l4', False)")
                let keeper = try ground.peer("app")
                #expect(try keeper.connect("before", "127.64.0.10", 8000) == "ok")

                try takeOverByHalf(ground)
                #expect(access(pins.former.copied, F_OK) == 0)
                // The former programs count all this, in their own maps.
                for index in 0..<3 { #expect(try keeper.connect("k\(index)", "127.64.0.10", 8000) == "ok") }
                #expect(try keeper.connect("much", "127.64.0.10", 8000) != "ok", "the cap holds")
                try keeper("close('before')")

                if !goesBack { #expect(try takeOver(ground) == nil, "of its like") }
                let plane = try KernelPlane.open(ground.location)
                #expect(plane.formerVersion == 1000 && access(pins.aside, F_OK) < 0)
                #expect(try eventually { try plane.qos.model("m")?.open == 3 })
                #expect(try plane.qos.model("m")?.connects == 4)
                #expect(try plane.inspector().ruleCounters(0).captured == 4)
                for index in 0..<3 { try keeper("close('k\(index)')") }
                #expect(try eventually { try plane.qos.model("m")?.open == 0 })
                // All places are there.
                for index in 0..<4 { #expect(try keeper.connect("n\(index)", "127.64.0.10", 8000) == "ok") }
            }
        }

        @Test func programsWhosePinsAreOutOfSightCaptureNoLonger() throws {
            try TestGround.with { ground in
                let hidden = try Broker(ground, rules: [rule("127.64.0.0/16", 8000)])
                let mount = (ground.location.pinDirectory as String).replacing("/pins", with: "")
                try ChildProcess.run("/bin/mount", "-t", "bpf", "bpf", mount)
                ground.onClean {
                    _ = try? PlaneRemoval.detach(pinDirectory: ground.location.pinDirectory)
                    try? ChildProcess.run("/bin/umount", mount)
                }
                let broker = try Broker(ground, rules: [rule("127.64.0.0/16", 8000)])
                #expect(!broker.plane.adopted)
                for program in try broker.plane.inspector().programs() {
                    #expect(program.neighbours.allSatisfy { $0.name != program.name }, "\(program.name) runs twice")
                }
                #expect(try ground.peer("app").connect("c", "127.64.0.10", 8000) == "ok")
                try broker.proxy("accept('l4', 'a')")
                #expect(try broker.proxy.origin("a")["host"] == "127.64.0.10")
                #expect(try hidden.counter("connects") == 0)
            }
        }
    }
}
