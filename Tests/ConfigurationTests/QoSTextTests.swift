import Catalog
import Configuration
import Testing

/// Values of an entry: what is read, what is not, and that what is shown can be read again.
@Suite struct QoSTextTests {
    @Test(arguments: [
        ("100/s", Rate(100, per: .second)), ("0/s", Rate(0, per: .second)), ("600000/m", Rate(600_000, per: .minute)),
        ("1/h", Rate(1, per: .hour)), ("1000000000/d", Rate(1_000_000_000, per: .day)),
    ])
    func rates(text: String, rate: Rate) {
        #expect(QoSText.rate(text) == rate)
        #expect(QoSText.rate(rate) == text)
    }

    @Test(arguments: [
        "", "/", "/s", "100", "100/", "100/S", "100/sec", "100 /s", "100/ s", "-1/s", "+1/s", "1.5/s", "01/s", "0x1/s", "1e3/s",
        "1000000001/s", "99999999999999999999999/s", "100/s/s", "100//s", "100/s ", "١/s", "none", "100ps", "100/ms",
    ])
    func notRates(text: String) {
        #expect(QoSText.rate(text) as Rate? == nil)
    }

    @Test(
        arguments: [
            ("1KiB/s", 1024, "1KiB/s"), ("50MiB/s", 52_428_800, "50MiB/s"), ("200Mbit/s", 25_000_000, "200Mbit/s"),
            ("1Gbit/s", 125_000_000, "1Gbit/s"), ("1Tbit/s", 125_000_000_000, "1Tbit/s"), ("500KB/s", 500_000, "4Mbit/s"),
            ("1025B/s", 1025, "1025B/s"), ("8193bit/s", 1024, "1KiB/s"), ("100GiB/s", 107_374_182_400, "100GiB/s"),
            ("1001B/s", nil, ""), ("12345kbit/s", 1_543_125, "12345kbit/s"),
        ] as [(String, UInt64?, String)])
    func bandwidths(text: String, bytes: UInt64?, shown: String) {
        #expect(QoSText.bandwidth(text) == bytes)
        guard let bytes else { return }
        let back = QoSText.bandwidth(bytes)
        #expect(QoSText.bandwidth(back) == bytes)
        #expect(back == shown)
    }

    @Test(arguments: [
        "", "/s", "0/s", "0B/s", "0MiB/s", "1B/s", "1023B/s", "8191bit/s", "50MiB", "50", "50/s", "50MiBps", "50mib/s",
        "50 MiB/s",
        "-1MiB/s", "1.5MiB/s", "1001Gbit/s", "2Tbit/s", "1TiB/s", "99999999999999999999GiB/s", "9223372036854775807TiB/s",
        "1152921504606846977KiB/s", "50MiB/s/s", "50MiB/m", "none", "MiB/s", "٣MiB/s", "200mbit/s",
    ])
    func notBandwidths(text: String) {
        #expect(QoSText.bandwidth(text) as UInt64? == nil)
    }

    @Test func everyBandwidthShownIsReadAgain() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            let bytes = UInt64.random(in: QoSText.bandwidths, using: &generator) >> UInt64.random(in: 0...26, using: &generator)
            guard QoSText.bandwidths.contains(bytes) else { continue }
            #expect(QoSText.bandwidth(QoSText.bandwidth(bytes) as String) == bytes)
        }
    }

    @Test func small() {
        #expect(["high", "normal", "low", "0", "7"].map { QoSText.priority($0) } == [6, 0, 2, 0, 7])
        #expect(["8", "-1", "", "High", "256", "07"].allSatisfy { QoSText.priority($0) as UInt8? == nil })
        #expect((0...7).map { QoSText.priority(UInt8($0)) } == ["normal", "1", "low", "3", "4", "5", "high", "7"])
        #expect(["0", "63"].map { QoSText.dscp($0) } == [0, 63])
        #expect(["64", "-1", "", "ef", "0x1"].allSatisfy { QoSText.dscp($0) == nil })
        #expect(["0", "200", "1000000000"].map { QoSText.connections($0) } == [0, 200, 1_000_000_000])
        #expect(["0", "-1", "1000000001", "1.0", ""].allSatisfy { QoSText.burst($0) == nil })
        #expect(QoSText.mode("observe") == .observe && QoSText.mode("Observe") == nil)
        #expect(QoSText.service("best-effort") == .bestEffort && QoSText.service("besteffort") == nil)
        #expect(QoSText.rate(Rate.unlimited) == "none" && QoSText.bandwidth(QoS.unlimited) as String == "none")
        #expect(QoSText.count(QoS.unlimited) == "none" && QoSText.count(7) == "7")
    }

    @Test func burstsStayWithinTheClock() {
        var qos = QoS()
        qos.requests = Rate(1, per: .day)
        qos.burst = 365
        #expect(QoSCheck.faults(qos).isEmpty)
        qos.burst = 366
        #expect(QoSCheck.faults(qos).map(\.key) == ["burst"])
        qos.burst = QoSText.maximumUnits
        #expect(QoSCheck.faults(qos).map(\.message) == ["is more than requests of 1/d would bring in a year"])
        qos.requests = Rate(0, per: .day)
        #expect(QoSCheck.faults(qos).isEmpty)
        qos.requests = .unlimited
        #expect(QoSCheck.faults(qos).isEmpty)
        qos.requests = nil
        #expect(QoSCheck.faults(qos).map(\.message) == ["is the burst of requests, which is not given"])
    }
}
