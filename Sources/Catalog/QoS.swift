/// So many units in a window of time: `100/s`, `600000/m`.
package struct Rate: Hashable, Sendable, CustomStringConvertible {
    package enum Window: String, Hashable, Sendable, CaseIterable {
        case second = "s"
        case minute = "m"
        case hour = "h"
        case day = "d"

        package var nanoseconds: UInt64 {
            switch self {
            case .second: 1_000_000_000
            case .minute: 60_000_000_000
            case .hour: 3_600_000_000_000
            case .day: 86_400_000_000_000
            }
        }
    }

    /// 0: nothing passes.
    package var units: UInt64
    package var window: Window

    package init(_ units: UInt64, per window: Window) {
        self.units = units
        self.window = window
    }

    package var description: String { "\(units)/\(window.rawValue)" }
}

/// What governs one model's traffic; nil: that is not governed.
package struct QoS: Hashable, Sendable {
    /// Whether what is over a limit is refused, or only counted.
    package enum Mode: String, Hashable, Sendable, CaseIterable { case enforce, observe }
    /// The model's class in an HTB tree: what it is sure of, and what it may borrow.
    package enum Service: String, Hashable, Sendable, CaseIterable {
        case bestEffort = "best-effort"
        case burstable
        case guaranteed
    }

    package var requests: Rate?
    /// Requests that may come at once; nil: a tenth of a second's worth, at least one.
    package var burst: UInt64?
    package var tokens: Rate?
    /// Tokens; nil: a second's worth.
    package var tokenBurst: UInt64?
    package var connects: Rate?
    /// Connects; nil: a tenth of a second's worth, at least one.
    package var connectBurst: UInt64?
    /// Connections open at once, where the kernel knows the model at connect.
    package var connections: UInt64?
    /// Bytes per second that this node sends for it, in each direction.
    package var bandwidth: UInt64?
    /// SO_PRIORITY, 0 to 7. `high` is 6, `normal` 0, `low` 2: what the kernel's own prio2band takes for them.
    package var priority: UInt8?
    /// Differentiated services code point, 0 to 63.
    package var dscp: UInt8?
    package var mode: Mode?
    package var service: Service?

    package init() {}

    package var isEmpty: Bool { self == QoS() }
}
