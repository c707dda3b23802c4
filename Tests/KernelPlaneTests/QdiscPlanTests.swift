import Catalog
import Testing

@testable import KernelPlane

@Suite struct QdiscPlanTests {
    private func model(
        _ slot: UInt32, _ service: QoS.Service?, _ bandwidth: UInt64?, priority: UInt8? = nil, mode: QoS.Mode? = nil
    ) -> QdiscModel {
        var qos = QoS()
        qos.service = service
        qos.bandwidth = bandwidth
        qos.priority = priority
        qos.mode = mode
        return QdiscModel(slot: slot, name: "m\(slot)", qos: qos)
    }

    private func form(_ plan: QdiscPlan, slot: UInt32) throws -> QdiscClass {
        try #require(plan.classes.first { $0.slot == slot })
    }

    @Test func aClassIsWhatTheServiceSays() throws {
        let plan = QdiscPlan(
            rate: 1_000_000,
            models: [
                model(3, .bestEffort, 300_000), model(1, .guaranteed, 200_000), model(2, .burstable, 100_000),
                model(4, nil, 50_000), model(5, .guaranteed, nil), model(6, .burstable, 900_000, mode: .observe),
            ])
        #expect(plan.classes.map(\.minor) == [1, 2, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16])
        #expect(try form(plan, slot: 1).rate == 200_000 && form(plan, slot: 1).ceil == 200_000)
        #expect(try form(plan, slot: 2).rate == 100_000 && form(plan, slot: 2).ceil == 150_000)
        // Next to nothing, and all of the device.
        for slot: UInt32 in [3, 5, 6] {
            #expect(try form(plan, slot: slot).rate < 10_000 && form(plan, slot: slot).rate > 0)
            #expect(try form(plan, slot: slot).ceil == 1_000_000)
        }
        // A bandwidth by itself stays a limit.
        #expect(try form(plan, slot: 4).ceil == 50_000)
        #expect(plan.classes[0].rate == 1_000_000 && plan.classes[0].ceil == 1_000_000)
        #expect(plan.classes[1].rate == 50_000 && plan.classes[1].ceil == 1_000_000)
        #expect(plan.short == [])
        #expect(QdiscPlan(rate: 1000, models: [model(1, .burstable, 900)]).classes[2].ceil == 1000)
        #expect(QdiscPlan(rate: .max, models: [model(1, .burstable, .max - 1)]).classes[2].ceil == 1 << 50)
    }

    @Test func prioritiesAreHTBs() {
        let expected: [(UInt8?, UInt32)] = [(nil, 3), (0, 3), (1, 5), (2, 5), (3, 5), (4, 3), (5, 5), (6, 1), (7, 0)]
        for (priority, number) in expected { #expect(QdiscPlan.priority(priority) == number) }
    }

    @Test func whatIsPromisedFitsTheDevice() throws {
        let plan = QdiscPlan(
            rate: 1_000_000,
            models: [
                model(1, .burstable, 600_000, priority: 0), model(2, .burstable, 600_000, priority: 6),
                model(3, .guaranteed, 300_000, priority: 2), model(4, .burstable, 300_000, priority: 0),
            ])
        let rates = plan.classes.dropFirst().map(\.rate)
        #expect(rates.reduce(0, +) <= 1_000_000 && rates.reduce(0, +) > 999_990)
        // Guaranteed in full, then the high one, then the rest of it in proportion.
        #expect(try form(plan, slot: 3).rate == 300_000)
        #expect(try form(plan, slot: 2).rate == 600_000)
        #expect(plan.short == [1, 4])
        #expect(try form(plan, slot: 1).rate >= form(plan, slot: 4).rate)
        // Guarantees beyond the device are shared out.
        let over = QdiscPlan(rate: 1_000_000, models: [model(1, .guaranteed, 900_000), model(2, .guaranteed, 900_000)])
        #expect(try form(over, slot: 1).rate == form(over, slot: 2).rate)
        #expect(over.short == [1, 2])
        #expect(over.classes.dropFirst().map(\.rate).reduce(0, +) <= 1_000_000)
    }

    @Test(arguments: [1, 999, 125_000, 125_000_000, 12_500_000_000, UInt64.max])
    func everySizeOfDeviceTakesEveryModel(_ rate: UInt64) {
        let plan = QdiscPlan(rate: rate, models: (1...4096).map { model($0, .guaranteed, rate) })
        #expect(plan.classes.count == 4098)
        #expect(plan.classes.allSatisfy { $0.rate > 0 && $0.ceil >= $0.rate && (1600...200_000).contains($0.quantum) })
        // With less than a byte per second for each there is nothing to divide.
        guard rate > 125_000 else { return }
        let sum = plan.classes.dropFirst().reduce((UInt64(0), false)) { sum, form in
            let (value, overflow) = sum.0.addingReportingOverflow(form.rate)
            return (value, sum.1 || overflow)
        }
        #expect(!sum.1 && sum.0 <= rate)
    }

    @Test func pacingAgreesWithTheCeiling() {
        #expect(model(1, .guaranteed, 200).qos.pacing(classed: true) == 200)
        #expect(model(1, .burstable, 200).qos.pacing(classed: true) == 300)
        #expect(model(1, .burstable, 200).qos.ceiling(device: 1000) == 300)
        #expect(model(1, .burstable, 900).qos.ceiling(device: 1000) == 1000)
        #expect(model(1, .burstable, .max - 1).qos.pacing(classed: true) == .max)
        #expect(model(1, .bestEffort, 200).qos.pacing(classed: true) == nil)
        #expect(model(1, nil, 200).qos.pacing(classed: true) == 200)
        for classed in [true, false] {
            #expect(model(1, nil, nil).qos.pacing(classed: classed) == nil)
            for service in QoS.Service.allCases {
                #expect(model(1, service, 200, mode: .observe).qos.pacing(classed: classed) == nil)
                #expect(model(1, service, QoS.unlimited).qos.pacing(classed: classed) == nil)
                #expect(model(1, service, QoS.unlimited).qos.effectiveService == .bestEffort)
            }
        }
        for service in QoS.Service.allCases { #expect(model(1, service, 200).qos.pacing(classed: false) == 200) }
    }

    @Test func ticksAreTcs() throws {
        let scheduler = try #require(PacketScheduler("000003e8 00000040 000f4240 3b9aca00\n"))
        #expect(scheduler == .usual)
        // tc: 1600 bytes at 1 Mbit/s are 12,800 us, 15.625 ticks each.
        #expect(scheduler.ticks(bytes: 1600, rate: 125_000) == 200_000)
        #expect(scheduler.ticks(bytes: 1600, rate: 125_000_000) == 200)
        #expect(scheduler.ticks(bytes: 1600, rate: .max) == 0)
        #expect(scheduler.ticks(bytes: 1600, rate: 1) == .max)
        #expect(scheduler.ticks(bytes: .max, rate: 1) == .max)
        #expect(scheduler.burst(rate: 125_000_000) == 501_600)
        let slow = try #require(PacketScheduler("3e8 40 f4240 64"))
        #expect(slow.burst(rate: 125_000_000) == 1_251_600)
        for text in ["", "x", "1 2 3", "0 40 f4240 64", "3e8 0 f4240 64", "3e8 40 f4240 -1"] {
            #expect(PacketScheduler(text) == nil)
        }
    }
}
