import HTTPWire

/// The trace that a request belongs to, as its endpoint is told of it.
struct RequestTrace: Sendable {
    /// The endpoint is told of a trace at all.
    var isOn = false
    /// Spans are made of it.
    var isSampled = false
    private var flags: UInt8 = 0
    private(set) var high: UInt64 = 0
    private(set) var low: UInt64 = 0
    /// The caller's span; 0: it said nothing of one.
    private(set) var caller: UInt64 = 0
    /// The broker's own.
    private(set) var span: UInt64 = 0

    /// Goes on with the caller's trace, or begins one.
    ///
    /// - Parameter next: random numbers.
    mutating func begin(_ parent: TraceParent?, _ sampler: Sampler, next: () -> UInt64) {
        isOn = true
        if let parent {
            (high, low, caller) = (parent.high, parent.low, parent.parent)
            isSampled = sampler.followsParent ? parent.isSampled : sampler.takes(low)
            flags = parent.flags & ~TraceParent.sampledFlag
        } else {
            (high, low, caller) = (Self.nonzero(next()), Self.nonzero(next()), 0)
            isSampled = sampler.takes(low)
            flags = 0
        }
        if isSampled { flags |= TraceParent.sampledFlag }
        span = Self.nonzero(next())
    }

    private static func nonzero(_ number: UInt64) -> UInt64 { max(1, number) }

    /// What the endpoint is told.
    ///
    /// - Parameter span: of the attempt to get an answer from it.
    func parent(_ span: UInt64) -> TraceParent { TraceParent(high: high, low: low, parent: span, flags: flags) }

    /// The span of an attempt, which is as random as that of the request.
    func attempt(_ number: Int) -> UInt64 {
        var ids = RequestIDs(seed: span &+ UInt64(truncatingIfNeeded: number))
        return Self.nonzero(ids.next())
    }
}
