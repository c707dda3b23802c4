import Commands
import Testing

@Suite struct UnitsTests {
    @Test(
        arguments: [
            (0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (1536, "1.5 KiB"), (10_240, "10 KiB"), (1_047_551, "1023 KiB"),
            (1_048_575, "1 MiB"), (12 << 20, "12 MiB"), (5 << 30, "5 GiB"), (UInt64.max, "16 EiB"),
        ] as [(UInt64, String)])
    func bytes(_ count: UInt64, _ text: String) { #expect(Units.bytes(count) == text) }

    @Test(
        arguments: [
            (0, "0ms"), (999, "999ms"), (1000, "1s"), (12_900, "12s"), (60_000, "1m"), (192_000, "3m12s"), (2_700_000, "45m"),
            (7_500_000, "2h5m"), (108_000_000, "30h"), (432_000_000, "5d"), (UInt64.max, "213503982334d"),
        ] as [(UInt64, String)])
    func durations(_ milliseconds: UInt64, _ text: String) { #expect(Units.duration(milliseconds: milliseconds) == text) }

    @Test(
        arguments: [
            (nil, "-"), (0, "0us"), (850, "850us"), (1000, "1ms"), (12_340, "12ms"), (2_500, "2.5ms"), (999_499, "999ms"),
            (999_500, "1s"), (1_250_000, "1.3s"),
        ] as [(UInt64?, String)])
    func latencies(_ microseconds: UInt64?, _ text: String) { #expect(Units.latency(microseconds: microseconds) == text) }

    @Test func countsNouns() {
        #expect(Units.count(0, "rule") == "0 rules")
        #expect(Units.count(1, "rule") == "1 rule")
    }
}
