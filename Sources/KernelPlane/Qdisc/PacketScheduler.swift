/// The packet scheduler's clock, as /proc/net/psched tells: HTB wants its buffers as the time that they take to send.
package struct PacketScheduler: Hashable, Sendable {
    /// `nanosecondsPerMicrosecond / nanosecondsPerTick` ticks make a microsecond.
    private let nanosecondsPerMicrosecond: UInt64
    private let nanosecondsPerTick: UInt64
    /// How often the kernel looks after a class that waits; a billion with high-resolution timers.
    private let frequency: UInt64

    /// What every kernel since 2.6.31 says: ticks of 64 ns, high-resolution timers.
    package static let usual = PacketScheduler(microsecond: 1000, tick: 64, frequency: 1_000_000_000)

    private init(microsecond: UInt64, tick: UInt64, frequency: UInt64) {
        nanosecondsPerMicrosecond = microsecond
        nanosecondsPerTick = tick
        self.frequency = frequency
    }

    /// Reads `000003e8 00000040 000f4240 3b9aca00`; nil when it is not that.
    package init?(_ text: String) {
        let numbers = text.split(whereSeparator: \.isWhitespace).map { UInt64($0, radix: 16) }
        guard numbers.count >= 4, let microsecond = numbers[0], let tick = numbers[1], let resolution = numbers[2],
            let frequency = numbers[3], microsecond > 0, tick > 0
        else { return nil }
        // The last is a frequency only if the one before is a million; iproute2 takes 100 otherwise.
        self.init(microsecond: microsecond, tick: tick, frequency: resolution == 1_000_000 && frequency > 0 ? frequency : 100)
    }

    /// This machine's.
    package static func here() -> PacketScheduler { readText("/proc/net/psched").flatMap { PacketScheduler($0) } ?? usual }

    /// The time that so many bytes take at a rate, in ticks; the largest number if it would be more.
    ///
    /// - Parameter rate: bytes per second, not 0.
    package func ticks(bytes: UInt64, rate: UInt64) -> UInt32 {
        let nanoseconds = bytes.multipliedFullWidth(by: 1_000_000_000)
        guard nanoseconds.high < rate else { return .max }
        let time = rate.dividingFullWidth(nanoseconds).quotient
        let ticks = time.multipliedFullWidth(by: nanosecondsPerMicrosecond)
        let divisor = nanosecondsPerTick * 1000
        guard ticks.high < divisor else { return .max }
        return UInt32(clamping: divisor.dividingFullWidth(ticks).quotient)
    }

    /// What a class may send at once, in bytes: as `tc` reckons, what passes between two looks of the kernel and one packet
    /// more. A timer fires later than asked for on a busy machine, and what a class could not save up by then is lost to
    /// it: no more than 250 looks a second are counted on.
    package func burst(rate: UInt64) -> UInt64 { rate / min(frequency, Self.reliableFrequency) + Self.packet }

    /// A full Ethernet frame with what tunnels and tags add.
    private static let packet: UInt64 = 1600
    private static let reliableFrequency: UInt64 = 250
}
