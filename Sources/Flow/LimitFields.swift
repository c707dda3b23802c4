import Admission

/// What an answer says of its model's limits: the `x-ratelimit-*` fields of the OpenAI API. `limit` is what a full bucket
/// holds, `remaining` what is in it now, `reset` how long until it is full again.
enum LimitFields {
    private struct Names {
        let limit: StaticString
        let remaining: StaticString
        let reset: StaticString
    }

    static func append(_ levels: LimitLevels, to output: inout [UInt8]) {
        if let level = levels.requests {
            let names = Names(
                limit: "x-ratelimit-limit-requests: ", remaining: "\r\nx-ratelimit-remaining-requests: ",
                reset: "\r\nx-ratelimit-reset-requests: ")
            append(names, level, to: &output)
        }
        if let level = levels.tokens {
            let names = Names(
                limit: "x-ratelimit-limit-tokens: ", remaining: "\r\nx-ratelimit-remaining-tokens: ",
                reset: "\r\nx-ratelimit-reset-tokens: ")
            append(names, level, to: &output)
        }
    }

    private static func append(_ names: Names, _ level: LimitLevel, to output: inout [UInt8]) {
        output.append(names.limit)
        output.append(decimal: level.capacity)
        output.append(names.remaining)
        output.append(decimal: level.remaining)
        output.append(names.reset)
        append(duration: level.reset, to: &output)
        output.append("\r\n")
    }

    /// A time in nanoseconds, rounded up to milliseconds, as clients know it: `12ms`, `1s`, `1.5s`, `6m0s`, `1h0m0s`.
    static func append(duration nanoseconds: UInt64, to output: inout [UInt8]) {
        let milliseconds = nanoseconds / 1_000_000 + (nanoseconds % 1_000_000 > 0 ? 1 : 0)
        if milliseconds > 0, milliseconds < 1000 {
            output.append(decimal: milliseconds)
            return output.append("ms")
        }
        let (seconds, rest) = milliseconds.quotientAndRemainder(dividingBy: 1000)
        if seconds >= 3600 {
            output.append(decimal: seconds / 3600)
            output.append("h")
        }
        if seconds >= 60 {
            output.append(decimal: seconds / 60 % 60)
            output.append("m")
        }
        output.append(decimal: seconds % 60)
        if rest > 0 { append(fraction: rest, to: &output) }
        output.append("s")
    }

    /// Thousandths behind a point, less the zeros at the end.
    private static func append(fraction thousandths: UInt64, to output: inout [UInt8]) {
        output.append(".")
        var (rest, place) = (thousandths, UInt64(100))
        while rest > 0 {
            output.append(decimal: rest / place)
            rest %= place
            place /= 10
        }
    }

    static func text(_ nanoseconds: UInt64) -> String {
        var bytes: [UInt8] = []
        append(duration: nanoseconds, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}
