import Catalog
import Glibc
import KernelPlane
import Synchronization
import Testing

extension KernelSuite {
    @Suite struct PrivilegeTests {
        /// Capabilities belong to threads, so a thread of its own can lose them without harm to the test process.
        private func inThread<Result: Sendable>(_ body: @escaping @Sendable () -> Result) throws -> Result {
            let result = Answer<Result>()
            let context = Unmanaged.passRetained(Box { result.value.withLock { $0 = body() } }).toOpaque()
            var thread = pthread_t()
            let error = pthread_create(&thread, nil, runBox, context)
            guard error == 0 else { throw Failure("no thread: errno \(error)") }
            pthread_join(thread, nil)
            return try #require(result.value.withLock { $0 })
        }

        @Test func onlyWhatIsKeptRemains() throws {
            let left = try inThread { () -> [Capability]? in
                guard (try? Privileges.keepOnly([.bpf, .netAdmin])) != nil else { return nil }
                return Capability.allCases.filter { HostFacts.missingCapabilities([$0]).isEmpty }
            }
            #expect(left == [.netAdmin, .bpf])
            #expect(HostFacts.missingCapabilities().isEmpty)
        }

        @Test func whatWasDroppedCannotBeTakenBack() throws {
            let missing = try inThread { () -> [Capability] in
                _ = try? Privileges.keepOnly([.netAdmin, .setpcap])
                _ = try? Privileges.keepOnly([.netAdmin, .setpcap, .bpf])
                return HostFacts.missingCapabilities([.netAdmin, .bpf])
            }
            #expect(missing == [.bpf])
        }

        /// The documented set is enough to load, attach, pin, steer and read.
        @Test func thePlaneNeedsNoMoreThanItSays() throws {
            try TestGround.with { ground in
                let location = ground.location
                let settings = PlaneSettings(
                    generation: 3, hostNetnsCookie: HostFacts.hostNetnsCookie() ?? 0,
                    targets: [SocketAddress("127.0.0.1:15001"), nil, nil, nil])
                let rules = try [rule("127.64.0.0/16", 8000, .deny)]
                let outcome = try inThread { () -> String in
                    do {
                        try Privileges.keepOnly(Capability.plane)
                        let plane = try KernelPlane.open(location)
                        try plane.apply(settings: settings, rules: rules, workloads: [:])
                        let reader = plane.inspector()
                        let slots = try plane.apply(models: [ModelEntry(name: "m")]).byName
                        try plane.apply(access: [AccessEntry(model: slots["m"] ?? 0, client: 1, verdict: .allow)])
                        _ = try plane.qos.reapply()
                        return "\(try reader.programs().count) \(try reader.maps().count) \(try reader.settings().generation)"
                    } catch {
                        return "\(error)"
                    }
                }
                #expect(outcome == "\(PlaneSize.programs) \(PlaneSize.maps) 3")
                #expect(try ground.peer("app").connect("c", "127.64.0.10", 8000) == "error ECONNREFUSED")
            }
        }

        @Test func aMissingCapabilityIsNamed() throws {
            try TestGround.with { ground in
                let location = ground.location
                let outcome = try inThread { () -> String in
                    do {
                        try Privileges.keepOnly([.perfmon])
                        _ = try KernelPlane.open(location)
                        return "opened"
                    } catch {
                        return "\(error)"
                    }
                }
                #expect(outcome.contains("missing CAP_BPF, CAP_NET_ADMIN"))
            }
        }
    }

    @Suite struct HostFactsTests {
        @Test func thisMachineIsKnown() throws {
            let mount = try #require(HostFacts.cgroup2Mount())
            let id = try #require(HostFacts.cgroupID(path: mount))
            #expect(HostFacts.cgroupPath(id: id) == mount)
            #expect(HostFacts.cgroupID(path: "/tmp") == nil)
            #expect(HostFacts.cgroupID(path: mount + "/nowhere") == nil)
            #expect(HostFacts.cgroupPath(id: 0) == nil)
            #expect(HostFacts.cgroupPath(id: .max) == nil)
            #expect(HostFacts.kernelRelease().first?.isNumber == true)
            #expect(try #require(HostFacts.hostNetnsCookie()) > 0)
            #expect(!HostFacts.isOnBPFFileSystem("/tmp/a/b"))
        }

        @Test func thisKernelHasWhatThePlaneUses() {
            let features = HostFacts.features()
            #expect(features.count == 13)
            #expect(features.filter { $0.required && !$0.available }.isEmpty)
        }
    }
}

private final class Answer<Value: Sendable>: Sendable {
    let value = Mutex<Value?>(nil)
}

/// Work for a thread that its creator waits for.
private final class Box: Sendable {
    let work: @Sendable () -> Void
    init(_ work: @escaping @Sendable () -> Void) { self.work = work }
}

private let runBox: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { context in
    if let context { Unmanaged<Box>.fromOpaque(context).takeRetainedValue().work() }
    return nil
}
