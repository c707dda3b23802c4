import Admission

/// What an answer says of its model's limits: the `x-ratelimit-*` fields of the OpenAI API. `limit` is what a full bucket
/// holds, `remaining` what is in it now, `reset` how long until it is full again.
enum LimitFields {
    private struct Names {
        let limit: StaticString
        let remaining: StaticString
        let reset: StaticString
    }

    /// Bytes of both sets of fields: names, and numbers with their units.
    private static let size = 2 * (120 + 6 * LineWriter.numberSize)

    static func append(_ levels: LimitLevels, to output: inout [UInt8]) {
        guard levels.requests != nil || levels.tokens != nil else { return }
        output.write(size) { write(levels, &$0) }
    }

    private static func write(_ levels: LimitLevels, _ fields: inout LineWriter) {
        if let level = levels.requests {
            let names = Names(
                limit: "x-ratelimit-limit-requests: ", remaining: "\r\nx-ratelimit-remaining-requests: ",
                reset: "\r\nx-ratelimit-reset-requests: ")
            write(names, level, &fields)
        }
        if let level = levels.tokens {
            let names = Names(
                limit: "x-ratelimit-limit-tokens: ", remaining: "\r\nx-ratelimit-remaining-tokens: ",
                reset: "\r\nx-ratelimit-reset-tokens: ")
            write(names, level, &fields)
        }
    }

    private static func write(_ names: Names, _ level: LimitLevel, _ fields: inout LineWriter) {
        fields.add(names.limit)
        fields.add(decimal: level.capacity)
        fields.add(names.remaining)
        fields.add(decimal: level.remaining)
        fields.add(names.reset)
        write(duration: level.reset, &fields)
        fields.add("\r\n")
    }

    /// A time in nanoseconds, rounded up to milliseconds, as clients know it: `12ms`, `1s`, `1.5s`, `6m0s`, `1h0m0s`.
    static func write(duration nanoseconds: UInt64, _ fields: inout LineWriter) {
        let milliseconds = nanoseconds / 1_000_000 + (nanoseconds % 1_000_000 > 0 ? 1 : 0)
        if milliseconds > 0, milliseconds < 1000 {
            fields.add(decimal: milliseconds)
            return fields.add("ms")
        }
        let (seconds, rest) = milliseconds.quotientAndRemainder(dividingBy: 1000)
        if seconds >= 3600 {
            fields.add(decimal: seconds / 3600)
            fields.add("h")
        }
        if seconds >= 60 {
            fields.add(decimal: seconds / 60 % 60)
            fields.add("m")
        }
        fields.add(decimal: seconds % 60)
        if rest > 0 { write(fraction: rest, &fields) }
        fields.add("s")
    }

    /// Thousandths behind a point, less the zeros at the end.
    private static func write(fraction thousandths: UInt64, _ fields: inout LineWriter) {
        fields.add(".")
        var (rest, place) = (thousandths, UInt64(100))
        while rest > 0 {
            fields.add(decimal: rest / place)
            rest %= place
            place /= 10
        }
    }

    static func text(_ nanoseconds: UInt64) -> String {
        var bytes: [UInt8] = []
        bytes.write(4 * LineWriter.numberSize) { write(duration: nanoseconds, &$0) }
        return String(decoding: bytes, as: UTF8.self)
    }
}
