import CBPFShim
import Catalog
import Testing

@testable import KernelPlane

@Suite struct QoSCodingTests {
    private func everything() -> QoS {
        var qos = QoS()
        qos.requests = Rate(100, per: .second)
        qos.burst = 20
        qos.tokens = Rate(600_000, per: .minute)
        qos.tokenBurst = 5000
        qos.connects = Rate(50, per: .hour)
        qos.connectBurst = 3
        qos.connections = 200
        qos.bandwidth = 50 << 20
        qos.priority = 6
        qos.dscp = 26
        qos.mode = .observe
        qos.service = .guaranteed
        return qos
    }

    @Test func survivesTheRoundTrip() {
        #expect(mb_qos(everything()).qos == everything())
        #expect(mb_qos(QoS()).qos == QoS())
        #expect(mb_qos(QoS()).fields == 0)
    }

    /// Each field alone, with the value that is most easily mistaken for none.
    @Test func zerosAreNotAbsent() {
        let changes: [(inout QoS) -> Void] = [
            { $0.requests = Rate(0, per: .day) }, { $0.burst = 0 }, { $0.tokens = Rate(0, per: .minute) }, { $0.tokenBurst = 0 },
            { $0.connects = Rate(0, per: .second) }, { $0.connectBurst = 0 }, { $0.connections = 0 }, { $0.priority = 0 },
            { $0.dscp = 0 }, { $0.mode = .enforce }, { $0.service = .bestEffort },
        ]
        for change in changes {
            var qos = QoS()
            change(&qos)
            #expect(mb_qos(qos).qos == qos)
            #expect(mb_qos(qos).fields.nonzeroBitCount == 1)
        }
    }

    /// The largest number takes a limit off, which is something else than saying nothing.
    @Test func unlimitedIsSaid() {
        var qos = QoS()
        qos.requests = Rate(.max, per: .second)
        qos.burst = 9
        qos.connections = .max
        qos.bandwidth = .max
        let raw = mb_qos(qos)
        #expect(raw.qos == qos)
        #expect(raw.limits.0.period_ns == 0 && raw.bandwidth == 0 && raw.connections == .max)
    }

    @Test func limitsArePeriodsAndTolerances() {
        let raw = mb_qos(everything())
        #expect(raw.limits.0.period_ns == 10_000_000 && raw.limits.0.tolerance_ns == 200_000_000)
        #expect(raw.limits.1.period_ns == 100_000 && raw.limits.1.tolerance_ns == 500_000_000)
        #expect(raw.limits.2.period_ns == 72_000_000_000 && raw.limits.2.tolerance_ns == 216_000_000_000)
    }

    @Test(
        arguments: [
            (Rate(100, per: .second), 10, 100), (Rate(9, per: .second), 1, 9), (Rate(600_000, per: .minute), 1000, 10_000),
            (Rate(1, per: .day), 1, 1), (Rate(36_000, per: .hour), 1, 10), (Rate(199, per: .second), 19, 199),
        ] as [(Rate, UInt64, UInt64)])
    func defaultBursts(rate: Rate, requests: UInt64, tokens: UInt64) {
        var qos = QoS()
        (qos.requests, qos.connects, qos.tokens) = (rate, rate, rate)
        let raw = mb_qos(qos)
        #expect(raw.limits.0.burst == requests && raw.limits.2.burst == requests && raw.limits.1.burst == tokens)
        #expect(raw.limits.0.tolerance_ns == requests * raw.limits.0.period_ns)
        #expect(raw.qos == qos)
    }

    /// Within half a percent up to ten million units a second; beyond that and at any burst nothing overflows.
    @Test func everyRateIsCompiled() {
        for window in Rate.Window.allCases {
            for exponent in 0..<64 {
                for units in [UInt64(1) << exponent, (UInt64(1) << exponent) + 1, (1 << exponent) &- 1] where units != .max {
                    for burst in [nil, 0, 1, 1 << 32, UInt64.max] {
                        let limit = mb_limit(Rate(units, per: window), burst: burst, tenths: 10)
                        if units == 0 {
                            #expect(limit.period_ns == .max)
                            continue
                        }
                        #expect((1...window.nanoseconds).contains(limit.period_ns))
                        #expect(limit.tolerance_ns <= 1 << 62)
                        let perSecond = Double(units) * 1e9 / Double(window.nanoseconds)
                        guard perSecond <= 1e7 else { continue }
                        let actual = 1e9 / Double(limit.period_ns)
                        #expect(abs(actual - perSecond) <= perSecond * 0.005)
                    }
                }
            }
        }
    }

    @Test func marksAreCompiled() {
        #expect(mb_qos(everything()).sk_priority == 6)
        #expect(mb_qos(everything()).notsent_lowat == 16384)
        #expect(mb_qos(everything(), classID: 0x10020).sk_priority == 0x10020)
        #expect(mb_qos(everything(), classID: 0x10020).priority == 6)
        #expect(mb_qos(QoS()).notsent_lowat == 0)
    }

    @Test func liveFieldsLieOverTheFiles() {
        var live = QoS()
        live.requests = Rate(7, per: .minute)
        live.mode = .enforce
        let merged = everything().overlaid(by: live)
        #expect(merged.requests == Rate(7, per: .minute) && merged.mode == .enforce && merged.burst == 20)
        #expect(everything().overlaid(by: QoS()) == everything())
        #expect(QoS().overlaid(by: everything()) == everything())
    }

    @Test func valuesThatNoSocketTakesAreRefused() {
        var qos = QoS()
        #expect(throws: Never.self) { try qos.check("m") }
        qos.bandwidth = 0
        #expect(throws: KernelPlaneError.self) { try qos.check("m") }
        qos = QoS()
        qos.priority = 8
        #expect(throws: KernelPlaneError.self) { try qos.check("m") }
        qos = QoS()
        qos.dscp = 64
        #expect(throws: KernelPlaneError.self) { try qos.check("m") }
    }
}

@Suite struct DebtTests {
    @Test func unitsOwedStayOwed() {
        // 20 units of 10 ms are 20 units of 30 ms.
        #expect(Debt.rescaled(1_200, now: 1_000, from: 10, to: 30) == 1_600)
        #expect(Debt.rescaled(1_600, now: 1_000, from: 30, to: 10) == 1_200)
        #expect(Debt.rescaled(1_200, now: 1_000, from: 10, to: 10) == 1_200)
    }

    @Test func nothingOwedStaysNothing() {
        #expect(Debt.rescaled(900, now: 1_000, from: 10, to: 30) == 900)
        #expect(Debt.rescaled(0, now: 1_000, from: 10, to: 30) == 0)
    }

    @Test func withoutAPriceThereIsNothingToReckonWith() {
        for period in [UInt64(0), .max] {
            #expect(Debt.rescaled(1_200, now: 1_000, from: period, to: 30) == 1_200)
            #expect(Debt.rescaled(1_200, now: 1_000, from: 10, to: period) == 1_200)
        }
    }

    @Test func noDebtOverflows() {
        let now: UInt64 = 1 << 60
        #expect(Debt.rescaled(.max, now: now, from: 1, to: 1 << 62) == now + mb_limit.longest)
        #expect(Debt.rescaled(now + 1, now: now, from: 1 << 62, to: 1) == now)
    }
}

@Suite struct SlotPlanTests {
    @Test func whoHasASlotKeepsIt() {
        let plan = SlotPlan(wanted: ["c", "a", "c", "d", "e"], held: ["a": 7, "b": 2])
        #expect(plan.kept == ["a": 7] && plan.stale == ["b": 2] && plan.waiting == ["c", "d", "e"])
        let given = plan.given(from: [1, 3])
        #expect(given.slots == ["c": 1, "d": 3] && given.without == ["e"])
        #expect(plan.given(from: []).without == ["c", "d", "e"])
        #expect(plan.given(from: [1, 2, 3]).without.isEmpty)
    }
}

@Suite struct BucketReadingTests {
    private func reading(_ ahead: Int64, units: UInt64 = 10, burst: UInt64 = 5) -> BucketReading {
        var bucket = mb_bucket()
        bucket.tat_ns = UInt64(10_000_000_000 + ahead)
        bucket.admitted = 3
        return BucketReading(bucket, mb_limit(Rate(units, per: .second), burst: burst, tenths: 1), now: 10_000_000_000)
    }

    @Test func levelsAreUnits() {
        #expect(reading(-5).level == 5 && reading(-5).capacity == 5 && reading(-5).owed == 0)
        #expect(reading(100_000_000).level == 4)
        #expect(reading(1).level == 4)
        #expect(reading(500_000_000).level == 0 && reading(500_000_000).owed == 0)
        #expect(reading(800_000_000).owed == 3)
        #expect(reading(0, units: 0).level == 0 && reading(0, units: 0).capacity == 0)
        #expect(reading(0, units: .max).level == nil && reading(0, units: .max).admitted == 3)
    }
}
