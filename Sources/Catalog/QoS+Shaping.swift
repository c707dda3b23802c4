/// What a model's service class means for its bytes: the one place where HTB's ceilings and the sockets' pacing come from,
/// so that the two agree (mb_bandwidth() in the kernel's programs does as `pacing` does).
///
///     service      sure of      may have              pacing of its sockets together
///     guaranteed   bandwidth    bandwidth             bandwidth
///     burstable    bandwidth    1.5 x bandwidth       1.5 x bandwidth
///     best-effort  almost none  the device's rate     none: HTB divides what is left
///
/// Without a tree (`node.qdisc`) there is nobody to divide a surplus: the bandwidth is the limit of each of them.
extension QoS {
    /// The class in force. A bandwidth by itself is a limit, with a tree as without, so that such a model counts as
    /// guaranteed; without a bandwidth there is nothing to be sure of, nor in observe mode, which shapes nothing.
    package var effectiveService: Service { limit == nil ? .bestEffort : service ?? .guaranteed }

    /// Bytes per second that the model may have of a device with this rate.
    package func ceiling(device rate: UInt64) -> UInt64 { min(pacing(classed: true) ?? rate, rate) }

    /// Bytes per second that the model's active sockets share, in each direction. nil: they are not paced.
    ///
    /// - Parameter classed: a tree is in force.
    package func pacing(classed: Bool) -> UInt64? {
        guard classed, let limit else { return limit }
        switch effectiveService {
        case .guaranteed: return limit
        case .burstable:
            let (sum, overflow) = limit.addingReportingOverflow(limit / 2)
            return overflow ? .max : sum
        case .bestEffort: return nil
        }
    }

    /// The bandwidth, where it limits anything.
    private var limit: UInt64? {
        guard let bandwidth, bandwidth != Self.unlimited, mode != .observe else { return nil }
        return bandwidth
    }
}
