/// What a model's service class means for its bytes: the one place where HTB's ceilings and the sockets' pacing come from,
/// so that the two agree.
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
    package var effectiveService: Service {
        guard bandwidth != nil, mode != .observe else { return .bestEffort }
        return service ?? .guaranteed
    }

    /// Bytes per second that the model may have of a device with this rate.
    package func ceiling(device rate: UInt64) -> UInt64 {
        guard let bandwidth else { return rate }
        return switch effectiveService {
        case .guaranteed: min(bandwidth, rate)
        case .burstable: min(Self.burst(bandwidth), rate)
        case .bestEffort: rate
        }
    }

    /// Bytes per second that the model's active sockets share, in each direction, with the tree in force (nil: there is
    /// none). nil: they are not paced.
    package func pacing(with qdisc: Qdisc?) -> UInt64? {
        guard let bandwidth, mode != .observe else { return nil }
        guard let qdisc else { return bandwidth }
        return effectiveService == .bestEffort ? nil : ceiling(device: qdisc.rate)
    }

    /// One and a half times the bandwidth.
    private static func burst(_ bandwidth: UInt64) -> UInt64 {
        let (sum, overflow) = bandwidth.addingReportingOverflow(bandwidth / 2)
        return overflow ? .max : sum
    }
}
