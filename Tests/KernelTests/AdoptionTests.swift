import BPF
import Catalog
import Glibc
import KernelPlane
import Testing

extension KernelSuite {
    @Suite struct AdoptionTests {
        @Test func aSecondAgentAdoptsEverything() throws {
            try TestGround.with { ground in
                let app = try ground.cgroupID("app")
                let rules = try [rule("127.64.0.0/16", 8000)]
                let workloads = [app: WorkloadEntry(client: 4, exempt: false)]
                let broker = try Broker(ground, rules: rules, workloads: workloads)
                let caller = try ground.peer("app")
                #expect(try caller.connect("c", "127.64.0.10", 8000) == "ok")
                let before = broker.plane.inspector()
                #expect(!broker.plane.adopted)

                let next = try KernelPlane.open(ground.location)
                let after = next.inspector()
                #expect(next.adopted)
                #expect(try after.programs().map(\.linkID) == (try before.programs().map(\.linkID)))
                #expect(try after.maps().map(\.id) == (try before.maps().map(\.id)))
                #expect(try after.settings() == (try before.settings()))
                #expect(try after.rules().count == 1)
                #expect(try after.workloads()[app]?.client == 4)
                #expect(try after.ruleCounters(0).captured == 1)
                #expect(try after.listeners() == [true, true, false, false])

                // What was captured before can still be asked, and new connects are captured by the new programs.
                try broker.proxy("accept('l4', 'a')")
                #expect(try broker.proxy.origin("a")["client"] == "4")
                #expect(try caller.connect("d", "127.64.0.10", 8000) == "ok")
                #expect(try after.ruleCounters(0).captured == 2)
            }
        }

        @Test func programsGoOnWithoutAnAgent() throws {
            try TestGround.with { ground in
                var broker: Broker? = try Broker(ground, rules: [rule("127.64.0.0/16", 8000)])
                let proxy = try #require(broker?.proxy)
                broker = nil
                #expect(try ground.peer("app").connect("c", "127.64.0.10", 8000) == "ok")
                #expect(try proxy("accept('l4', 'a')").hasPrefix("127."))
                let reader = try PlaneInspector(pinDirectory: ground.location.pinDirectory)
                #expect(try reader.ruleCounters(0).captured == 1)
                #expect(try reader.programs().count == PlaneSize.programs)
            }
        }

        @Test func halfAPlaneIsRepaired() throws {
            try TestGround.with { ground in
                let first = try Broker(ground, rules: [rule("127.64.0.0/16", 8000)])
                let pins = ground.location.pinDirectory
                for pin in ["links/mb_active", "links/mb_connect6", "maps/flow_origins"] {
                    #expect(unlink("\(pins)/\(pin)") == 0)
                }
                #expect(throws: KernelPlaneError.self) { try PlaneInspector(pinDirectory: pins) }
                let again = try KernelPlane.open(ground.location)
                #expect(try again.inspector().programs().count == PlaneSize.programs)
                #expect(try again.inspector().rules().count == 1)
                #expect(try ground.peer("app").connect("c", "127.64.0.10", 8000) == "ok")
                try first.proxy("accept('l4', 'a')")
                #expect(try first.proxy.origin("a")["host"] == "127.64.0.10")
            }
        }

        @Test func emptyDirectoriesAreFilled() throws {
            try TestGround.with { ground in
                for path in ["", "/links", "/maps"] { #expect(mkdir(ground.location.pinDirectory + path, 0o700) == 0) }
                let plane = try KernelPlane.open(ground.location)
                #expect(!plane.adopted)
                #expect(try plane.inspector().programs().count == PlaneSize.programs)
            }
        }

        @Test func anotherCgroupReplacesTheLinks() throws {
            try TestGround.with { ground in
                let broker = try Broker(ground, rules: [rule("127.64.0.0/16", 8000)])
                let moved = PlaneLocation(
                    pinDirectory: ground.location.pinDirectory, captureCgroup: ground.cgroup("app"),
                    brokerCgroup: ground.location.brokerCgroup)
                let plane = try KernelPlane.open(moved)
                let programs = try plane.inspector().programs()
                #expect(programs.first { $0.name == "mb_connect4" }?.cgroupPath == ground.cgroup("app"))
                #expect(programs.first { $0.name == "mb_passive" }?.cgroupPath == ground.location.brokerCgroup)
                #expect(try ground.peer("app").connect("c", "127.64.0.10", 8000) == "ok")
                #expect(try ground.peer("").connect("c", "127.64.0.10", 8000) == "error ECONNREFUSED")
                #expect(try broker.counter("captured") == 1)
            }
        }

        @Test func aVanishedCgroupIsAttachedAnew() throws {
            try TestGround.with { ground in
                try ground.makeCgroup(ground.name + "/app/brief")
                let brief = PlaneLocation(
                    pinDirectory: ground.location.pinDirectory, captureCgroup: ground.cgroup("app/brief"),
                    brokerCgroup: ground.location.brokerCgroup)
                _ = try KernelPlane.open(brief)
                TestGround.removeCgroup(ground.cgroup("app/brief"))
                #expect(throws: KernelPlaneError.self) { try KernelPlane.open(brief) }
                #expect(mkdir(ground.cgroup("app/brief"), 0o755) == 0)
                let plane = try KernelPlane.open(brief)
                let attached = try plane.inspector().programs().filter { $0.cgroupPath == ground.cgroup("app/brief") }
                #expect(attached.count == PlaneSize.capturePrograms)
            }
        }

        @Test func anotherVersionIsRefusedAndLeftAlone() throws {
            try TestGround.with { ground in
                let broker = try Broker(ground, rules: [rule("127.64.0.0/16", 8000)])
                let pins = ground.location.pinDirectory
                try broker.proxy("map_open('settings', '\(pins)/maps/settings')")
                #expect(try broker.proxy("map_version('settings', 99)") == "put")
                let error = #expect(throws: KernelPlaneError.self) { try KernelPlane.open(ground.location) }
                #expect(error?.description.contains("layout version 99") == true)
                #expect(error?.description.contains("modelbroker detach") == true)
                #expect(throws: KernelPlaneError.self) { try PlaneInspector(pinDirectory: pins) }
                #expect(access(pins + "/links/mb_connect4", F_OK) == 0)
                // The programs themselves do not act on settings of another version either.
                #expect(try ground.peer("app").connect("c", "127.64.0.10", 8000) == "error ECONNREFUSED")
                #expect(try broker.counter("no_settings") == 1)
                #expect(try !PlaneRemoval.detach(pinDirectory: pins).isEmpty)
            }
        }

        @Test func aMapOfAnotherShapeIsRefused() throws {
            try TestGround.with { ground in
                let pins = ground.location.pinDirectory
                for path in ["", "/links", "/maps"] { #expect(mkdir(pins + path, 0o700) == 0) }
                let stranger = try ground.peer("out")
                #expect(try stranger("map_make('\(pins)/maps/workloads')") == "made")
                let error = #expect(throws: KernelPlaneError.self) { try KernelPlane.open(ground.location) }
                #expect(error?.object == pins + "/maps/workloads")
                #expect(access(pins + "/maps/workloads", F_OK) == 0)
            }
        }

        @Test func detachLeavesNothing() throws {
            try TestGround.with { ground in
                let broker = try Broker(ground, rules: [rule("127.64.0.0/16", 8000)])
                let caller = try ground.peer("app")
                #expect(try caller.connect("c", "127.64.0.10", 8000) == "ok")
                let programs = try broker.plane.inspector().programs().map(\.id)
                let removed = try PlaneRemoval.detach(pinDirectory: ground.location.pinDirectory)
                #expect(
                    removed.count == PlaneSize.programs + PlaneSize.maps + 1 + 4,
                    "and what describes the maps, and four directories")
                #expect(removed.contains("link mb_connect4 from \(ground.location.captureCgroup)"))
                #expect(access(ground.location.pinDirectory, F_OK) < 0)
                #expect(try caller.connect("d", "127.64.0.10", 8000) == "error ECONNREFUSED")
                #expect(try caller("peer('c')") == "127.0.0.1 \(broker.port4)")
                #expect(try eventually { try areUnloaded(programs) })
                #expect(try PlaneRemoval.detach(pinDirectory: ground.location.pinDirectory).isEmpty)
            }
        }

        @Test func detachTouchesNothingThatIsNoPin() throws {
            try TestGround.with { ground in
                let directory = "/tmp/\(ground.name)-files"
                #expect(mkdir(directory, 0o700) == 0 && mkdir(directory + "/links", 0o700) == 0)
                ground.onClean {
                    rmdir(directory + "/links")
                    rmdir(directory)
                }
                #expect(throws: KernelPlaneError.self) { try PlaneRemoval.detach(pinDirectory: directory) }
                #expect(access(directory + "/links", F_OK) == 0)
            }
        }

        @Test func nothingIsLeftOfAFailedStart() throws {
            try TestGround.with { ground in
                let gone = PlaneLocation(
                    pinDirectory: ground.location.pinDirectory, captureCgroup: ground.cgroup("nowhere"),
                    brokerCgroup: ground.location.brokerCgroup)
                let error = #expect(throws: KernelPlaneError.self) { try KernelPlane.open(gone) }
                #expect(error?.description.contains(ground.cgroup("nowhere")) == true)
                #expect(access(ground.location.pinDirectory, F_OK) < 0)
            }
        }

        @Test func pinsOutsideABPFFileSystemAreRefused() throws {
            try TestGround.with { ground in
                let elsewhere = PlaneLocation(
                    pinDirectory: "/tmp/\(ground.name)-plain/pins", captureCgroup: ground.location.captureCgroup,
                    brokerCgroup: ground.location.brokerCgroup)
                let error = #expect(throws: KernelPlaneError.self) { try KernelPlane.open(elsewhere) }
                #expect(error?.hint.contains("BPF file system") == true)
                #expect(access("/tmp/\(ground.name)-plain", F_OK) < 0)
            }
        }
    }
}

/// Has the kernel let go of all of these programs?
private func areUnloaded(_ ids: [UInt32]) throws -> Bool {
    for id in ids {
        if try isLoaded(id) { return false }
    }
    return true
}

private func isLoaded(_ id: UInt32) throws -> Bool {
    guard let program = try BPFProgram.withID(id) else { return false }
    return program.rawDescriptor >= 0
}
