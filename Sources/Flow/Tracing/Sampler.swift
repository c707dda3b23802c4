import Catalog

/// Decides which requests spans are made of.
struct Sampler: Sendable {
    /// The random part of a trace's id: its last 56 bits, as W3C Trace Context level 2 and OpenTelemetry have it, so that all
    /// who sample a trace by the same part of them decide alike.
    private static let random: UInt64 = 0x00FF_FFFF_FFFF_FFFF

    /// Somebody wants traces.
    let isOn: Bool
    let followsParent: Bool
    /// Traces whose random part is not below it are sampled.
    private let threshold: UInt64

    init(_ tracing: Tracing?) {
        isOn = tracing != nil
        followsParent = tracing?.followsParent ?? true
        let left = Double(1_000_000 - min(1_000_000, tracing?.sample ?? 0)) / 1_000_000
        threshold = UInt64(left * Double(Self.random + 1))
    }

    /// - Parameter low: the last eight bytes of the trace's id.
    func takes(_ low: UInt64) -> Bool { low & Self.random >= threshold }
}
