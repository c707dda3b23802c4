private import CLinux
internal import Catalog
private import Synchronization

/// How long what a name server says of a name holds.
enum NameLifetime {
    /// Bytes of the largest answer that is read: 1,232 is what resolvers agree on for UDP (DNS flag day 2020).
    private static let size = 1232
    /// Nanoseconds in which a silent server is not asked.
    private static let pause: UInt64 = 60_000_000_000
    private static let silentUntil = Atomic<UInt64>(0)
    /// Seconds: the least that a record of an address of `name`, or of a name that it stands for, has left. nil: no name
    /// server has it (a file may), or the server is silent. Blocks, for a few seconds then, and not at all in the minute
    /// after that: a name from a file must not wait for a server that is gone.
    static func ask(_ name: String, family: IPAddress.Family) -> UInt32? {
        guard Clocks.monotonic() >= silentUntil.load(ordering: .relaxed) else { return nil }
        // A and AAAA, in RFC 1035 and RFC 3596.
        let type: Int32 = family == .v4 ? 1 : 28
        var answer = [UInt8](repeating: 0, count: size)
        let length = clinux_ask_names(name, type, &answer, answer.count)
        if length == -2 { silentUntil.store(Clocks.monotonic() + pause, ordering: .relaxed) }
        guard length > 0 else { return nil }
        return least(answer.span.extracting(first: Int(length)))
    }

    /// The least time to live in the answer section of a DNS message (RFC 1035, 4.1); nil: it has no record, or can't be read.
    static func least(_ message: Span<UInt8>) -> UInt32? {
        guard message.count >= 12 else { return nil }
        var position = 12
        for _ in 0..<number(message, 4) {
            guard skipName(message, &position) else { return nil }
            position += 4
        }
        var least: UInt32?
        for _ in 0..<number(message, 6) {
            guard skipName(message, &position), position + 10 <= message.count else { return nil }
            let seconds = UInt32(number(message, position + 4)) << 16 | UInt32(number(message, position + 6))
            // The top bit makes it zero (RFC 2181, 8).
            least = min(least ?? .max, seconds > UInt32(Int32.max) ? 0 : seconds)
            position += 10 + number(message, position + 8)
            guard position <= message.count else { return nil }
        }
        return least
    }

    private static func number(_ message: Span<UInt8>, _ position: Int) -> Int {
        Int(message[position]) << 8 | Int(message[position + 1])
    }

    /// Labels up to an empty one, or to a pointer, which ends a name.
    private static func skipName(_ message: Span<UInt8>, _ position: inout Int) -> Bool {
        while position < message.count {
            let length = Int(message[position])
            if length == 0 {
                position += 1
                return true
            }
            if length >= 0xC0 {
                position += 2
                return position <= message.count
            }
            guard length < 64 else { return false }
            position += 1 + length
        }
        return false
    }
}
