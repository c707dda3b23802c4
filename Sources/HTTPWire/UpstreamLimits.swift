/// What an endpoint says of its own limits, in `x-ratelimit-*` fields.
package struct UpstreamLimits: Hashable, Sendable {
    package struct Level: Hashable, Sendable {
        package var limit: UInt64 = 0
        package var remaining: UInt64 = 0
        /// Nanoseconds until nothing of it is used any more; nil: not said, or not in a way that is known.
        package var reset: UInt64?

        /// How much of it is used up: 0...100.
        package var percentUsed: UInt8 {
            guard remaining < limit else { return limit == 0 ? 100 : 0 }
            return UInt8(limit.dividingFullWidth((limit - remaining).multipliedFullWidth(by: 100)).quotient)
        }
    }

    /// Nil where limit and remaining are not both said.
    package var requests: Level?
    package var tokens: Level?

    package init() {}

    /// Of the limit that is used up most.
    package var fullest: Level? {
        guard let requests, let tokens else { return requests ?? tokens }
        return requests.percentUsed > tokens.percentUsed ? requests : tokens
    }
}

extension ResponseHead {
    /// Reads what the endpoint says of its limits; `bytes` must hold the head.
    package func limits(in bytes: Span<UInt8>) -> UpstreamLimits {
        var (requests, tokens) = (PartialLevel(), PartialLevel())
        var fields = FieldLines(from: fieldsStart, size: size)
        while let field = try? fields.next(in: bytes) {
            guard field.name.count >= 24, bytes.begins(field.name, ignoringCase: "x-ratelimit-") else { continue }
            let name = field.name.lowerBound + 12..<field.name.upperBound
            if bytes.ends(name, ignoringCase: "-requests") {
                requests.take(name.lowerBound..<name.upperBound - 9, field.value, in: bytes)
            } else if bytes.ends(name, ignoringCase: "-tokens") {
                tokens.take(name.lowerBound..<name.upperBound - 7, field.value, in: bytes)
            }
        }
        var limits = UpstreamLimits()
        limits.requests = requests.level
        limits.tokens = tokens.level
        return limits
    }

    /// How many nanoseconds the endpoint wants to be left alone: what `retry-after-ms` says, else `retry-after`; nil where
    /// neither does. An HTTP date says nothing here: its clock is another one.
    package func retryAfter(in bytes: Span<UInt8>) -> UInt64? {
        var seconds: UInt64?
        var fields = FieldLines(from: fieldsStart, size: size)
        while let field = try? fields.next(in: bytes) {
            if bytes.equals(field.name, ignoringCase: "retry-after-ms") {
                if let delay = FieldDuration.parse(field.value, in: bytes, unit: 1_000_000) { return delay }
            } else if bytes.equals(field.name, ignoringCase: "retry-after") {
                seconds = seconds ?? FieldDuration.parse(field.value, in: bytes, unit: 1_000_000_000)
            }
        }
        return seconds
    }
}

/// The fields of one limit, gathered line by line; the first of each counts.
private struct PartialLevel {
    private var limit: UInt64?
    private var remaining: UInt64?
    private var reset: UInt64?

    var level: UpstreamLimits.Level? {
        guard let limit, let remaining else { return nil }
        var level = UpstreamLimits.Level()
        level.limit = limit
        level.remaining = remaining
        level.reset = reset
        return level
    }

    mutating func take(_ name: Range<Int>, _ value: Range<Int>, in bytes: Span<UInt8>) {
        if bytes.equals(name, ignoringCase: "limit") {
            limit = limit ?? FieldDuration.wholeNumber(value, in: bytes)
        } else if bytes.equals(name, ignoringCase: "remaining") {
            remaining = remaining ?? FieldDuration.wholeNumber(value, in: bytes)
        } else if bytes.equals(name, ignoringCase: "reset") {
            reset = reset ?? FieldDuration.parse(value, in: bytes, unit: 1_000_000_000)
        }
    }
}

extension Span where Element == UInt8 {
    fileprivate func ends(_ range: Range<Int>, ignoringCase text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        return range.count >= count && equals(range.upperBound - count..<range.upperBound, ignoringCase: text)
    }
}
