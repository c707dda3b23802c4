import Catalog
import Glibc
import KernelPlane
import Testing

private let mbit: UInt64 = 125_000

private func model(
    _ slot: UInt32, _ service: QoS.Service?, _ bandwidth: UInt64?, priority: UInt8? = nil
) -> QdiscModel {
    var qos = QoS()
    qos.service = service
    qos.bandwidth = bandwidth
    qos.priority = priority
    return QdiscModel(slot: slot, name: "m\(slot)", qos: qos)
}

extension KernelSuite {
    @Suite(.withNamespaces) struct QdiscTests {
        private let models = [
            model(1, .guaranteed, 20 * mbit, priority: 6), model(2, .burstable, 20 * mbit),
            model(3, .bestEffort, nil, priority: 2),
        ]

        private func plan(_ models: [QdiscModel], rate: UInt64 = 100 * mbit) -> QdiscPlan {
            QdiscPlan(rate: rate, models: models, scheduler: .here())
        }

        @Test func theTreeIsAsTcShowsIt() throws {
            try QdiscGround.with { ground in
                let plan = plan(models)
                try ground.inside { try QdiscTree(device: "mba").build(plan, over: nil) }
                let classes = try ground.tcLines("class", "show", "dev", "mba")
                func line(_ id: String) -> String { classes.first { $0.hasPrefix("class htb \(id) ") } ?? "" }
                #expect(line("1:1").contains("root rate 100Mbit ceil 100Mbit"))
                #expect(line("1:2").contains("parent 1:1 leaf 2: prio 3 rate 5Mbit ceil 100Mbit"))
                #expect(line("1:11").contains("parent 1:1 leaf 11: prio 1 rate 20Mbit ceil 20Mbit"))
                #expect(line("1:12").contains("parent 1:1 leaf 12: prio 3 rate 20Mbit ceil 30Mbit"))
                #expect(line("1:13").contains("parent 1:1 leaf 13: prio 5 rate 100Kbit ceil 100Mbit"))
                #expect(classes.count == 5)
                let qdiscs = try ground.tcLines("qdisc", "show", "dev", "mba")
                #expect(qdiscs.first?.hasPrefix("qdisc htb 1: root refcnt ") == true)
                #expect(qdiscs.first?.contains("default 0x2") == true)
                #expect(qdiscs.count == 5)
                #expect(try ground.inside { try QdiscTree(device: "mba").standing(recorded: false) } == .ours)
                #expect(QdiscTree.classID(slot: 1) == 0x10011)
                // Nothing differs from what the kernel has kept.
                #expect(try ground.inside { try QdiscTree(device: "mba").update(to: plan) }.isEmpty)
            }
        }

        @Test func anUpdateTouchesOnlyWhatDiffers() throws {
            try QdiscGround.with { ground in
                let first = plan(models)
                try ground.inside { try QdiscTree(device: "mba").build(first, over: nil) }
                let next = plan([models[0], model(2, .burstable, 40 * mbit), model(4096, nil, nil)], rate: 200 * mbit)
                let change = try ground.inside { try QdiscTree(device: "mba").update(to: next) }
                #expect(change.added == 1 && change.removed == 1)
                // All that stay: a faster device makes the others' turns shorter.
                #expect(change.changed == 4)
                let forms = try ground.inside { try QdiscTree(device: "mba").readings().map(\.form) }
                #expect(forms.map(\.minor) == [1, 2, 0x11, 0x12, 0x1010])
                #expect(forms.dropFirst() == next.classes.dropFirst())
                #expect(forms.first?.rate == 200 * mbit)
                #expect(try ground.inside { try QdiscTree(device: "mba").update(to: next) }.isEmpty)

                // One live change touches one class, and its counts go on.
                let last = plan([models[0], model(2, .burstable, 50 * mbit), model(4096, nil, nil)], rate: 200 * mbit)
                let small = try ground.inside { try QdiscTree(device: "mba").update(to: last) }
                #expect(small.changed == 1 && small.added == 0 && small.removed == 0)
                #expect(
                    try ground.tcLines("class", "show", "dev", "mba").contains {
                        $0.contains("1:12") && $0.contains("ceil 75Mbit")
                    })
            }
        }

        @Test func ratesBeyond32BitsAreKept() throws {
            try QdiscGround.with { ground in
                let fast = plan([model(1, .guaranteed, 10_000_000_000)], rate: 12_500_000_000)
                try ground.inside { try QdiscTree(device: "mba").build(fast, over: nil) }
                let forms = try ground.inside { try QdiscTree(device: "mba").readings().map(\.form) }
                #expect(forms.map(\.rate) == fast.classes.map(\.rate))
                #expect(forms.map(\.ceil) == fast.classes.map(\.ceil))
                #expect(try ground.tcLines("class", "show", "dev", "mba").contains { $0.contains("rate 80Gbit ceil 80Gbit") })
                // And back below.
                let slow = plan([model(1, .guaranteed, 1_000_000)], rate: 2_000_000)
                try ground.inside { try QdiscTree(device: "mba").update(to: slow) }
                #expect(
                    try ground.inside { try QdiscTree(device: "mba").readings().map(\.form.rate) } == slow.classes.map(\.rate))
            }
        }

        @Test func allModelsThatThereCanBe() throws {
            try QdiscGround.with { ground in
                let full = plan((1...4096).map { model($0, .burstable, mbit) }, rate: 10_000 * mbit)
                let start = clock()
                try ground.inside { try QdiscTree(device: "mba").build(full, over: nil) }
                let readings = try ground.inside { try QdiscTree(device: "mba").readings() }
                print("4096 classes built and read in \((clock() - start) / 1000) ms of CPU")
                #expect(readings.count == 4098)
                #expect(readings.map(\.form).dropFirst() == full.classes.dropFirst())
                let none = plan([], rate: 10_000 * mbit)
                #expect(try ground.inside { try QdiscTree(device: "mba").update(to: none) }.removed == 4096)
                #expect(try ground.inside { try QdiscTree(device: "mba").restore(nil) })
            }
        }

        @Test(
            arguments: [
                "", "pfifo_fast", "tbf rate 1mbit burst 10kb latency 50ms",
                "handle 1: tbf rate 7mbit burst 20kb limit 9000 peakrate 9mbit mtu 3000",
                "handle 77: pfifo limit 55", "noqueue",
            ])
        func whatStoodThereComesBack(_ former: String) throws {
            try QdiscGround.with { ground in
                if !former.isEmpty {
                    let words = former.split(separator: " ").map(String.init)
                    let command = ["qdisc", "add", "dev", "mba", "root"] + words
                    try ground.tc(command)
                }
                let before = try ground.root()
                let plan = plan(models)
                let standing = try ground.inside { try QdiscTree(device: "mba").standing(recorded: false) }
                let kept: FormerQdisc?
                switch standing {
                case .systemDefault: kept = nil
                case .restorable(let qdisc): kept = qdisc
                default: throw Failure("\(standing)")
                }
                #expect((kept == nil) == former.isEmpty)
                try ground.inside { try QdiscTree(device: "mba").build(plan, over: kept) }
                #expect(try ground.root().hasPrefix("htb 1: root"))
                #expect(try ground.inside { try QdiscTree(device: "mba").restore(kept) })
                #expect(try ground.root() == before)
                // The second time there is nothing of ours left to take away.
                #expect(try !ground.inside { try QdiscTree(device: "mba").restore(kept) })
                #expect(try ground.root() == before)
            }
        }

        @Test func whatCannotBePutBackIsLeftAlone() throws {
            try QdiscGround.with { ground in
                func standing(recorded: Bool = false) throws -> StandingQdisc {
                    try ground.inside { try QdiscTree(device: "mba").standing(recorded: recorded) }
                }
                // Somebody's HTB, even with our handle and default class.
                try ground.tc(["qdisc", "add", "dev", "mba", "root", "handle", "1:", "htb", "default", "2"])
                #expect(try standing() == .foreign("htb 1:"))
                // One that we have begun on is ours.
                #expect(try standing(recorded: true) == .ours)
                try ground.tc(["class", "add", "dev", "mba", "parent", "1:", "classid", "1:1", "htb", "rate", "1mbit"])
                try ground.tc(["class", "add", "dev", "mba", "parent", "1:1", "classid", "1:2", "htb", "rate", "1mbit"])
                #expect(try standing() == .foreign("htb 1:"))
                try ground.tc([
                    "qdisc", "replace", "dev", "mba", "root", "handle", "5:", "tbf", "rate", "1mbit", "burst", "10kb", "limit",
                    "9000",
                ])
                guard case .restorable = try standing() else { throw Failure("\(try standing())") }
                try ground.tc(["qdisc", "add", "dev", "mba", "parent", "5:1", "handle", "6:", "pfifo", "limit", "7"])
                #expect(try standing() == .foreign("tbf 5: with qdiscs in it"))
                #expect(
                    QdiscTree(device: "mba").refusal("tbf 5:") == """
                        the device mba has the qdisc tbf 5:, which could not be put back as it was; remove it with \
                        `tc qdisc del dev mba root`, or name another device
                        """)
                // clsact stands beside the root and stays.
                try ground.tc(["qdisc", "del", "dev", "mba", "root"])
                try ground.tc(["qdisc", "add", "dev", "mba", "clsact"])
                #expect(try standing() == .systemDefault("noqueue"))
            }
        }

        @Test func aDeviceThatIsNotThereIsNamed() throws {
            try QdiscGround.with { ground in
                let error = #expect(throws: KernelPlaneError.self) {
                    try ground.inside { try QdiscTree(device: "eth9").standing(recorded: false) }
                }
                #expect(error?.description.contains("the network device eth9") == true)
                let plan = plan(models)
                try ground.inside { try QdiscTree(device: "mba").build(plan, over: nil) }
                try ground.ip("link", "del", "mba")
                #expect(throws: KernelPlaneError.self) { try ground.inside { try QdiscTree(device: "mba").update(to: plan) } }
                #expect(throws: KernelPlaneError.self) { try ground.inside { try QdiscTree(device: "mba").restore(nil) } }
            }
        }
    }
}
