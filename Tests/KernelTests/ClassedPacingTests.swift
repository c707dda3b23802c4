import Catalog
import KernelPlane
import Testing

extension KernelSuite {
    /// With a tree in force a socket's priority names its model's class, and its pacing leaves room for what the class may
    /// borrow.
    @Suite struct ClassedPacingTests {
        @Test(arguments: [
            (QoS.Service.guaranteed, "1000000"), (.burstable, "1500000"), (.bestEffort, "none"), (nil, "1000000"),
        ])
        func aSocketMayTryForWhatItsClassMayHave(_ service: QoS.Service?, _ pacing: String) throws {
            try TestGround.with { ground in
                let entry = qos {
                    $0.bandwidth = 1_000_000
                    $0.service = service
                    $0.priority = 2
                }
                let governed = try Governed(ground, [ModelEntry(name: "m", qos: entry)])
                let proxy = governed.broker.proxy
                try governed.leg("a")
                let slot = try governed.slot()
                #expect(try proxy("tag('a', \(slot))") == "ok")
                #expect(try proxy("marks('a')") == "tos=0 priority=2 lowat=0 pacing=1000000")

                // The tree comes and goes; a live socket follows at once.
                _ = try governed.broker.plane.apply(models: [ModelEntry(name: "m", qos: entry)], classed: true)
                let classID = QdiscTree.classID(slot: slot)
                #expect(try proxy("marks('a')") == "tos=0 priority=\(classID) lowat=0 pacing=\(pacing)")
                #expect(try governed.qos().share?.responses == UInt64(pacing))
                #expect(try governed.qos().inForce == entry)
                _ = try governed.broker.plane.apply(models: [ModelEntry(name: "m", qos: entry)], classed: false)
                #expect(try proxy("marks('a')") == "tos=0 priority=2 lowat=0 pacing=1000000")
            }
        }
    }
}
