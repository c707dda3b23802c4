import CBrokerABI
import Flow
import Glibc

/// Under which model's entry the kernel has a socket, as far as this process has told it.
struct SocketTag {
    /// Slot; 0: under none.
    private(set) var model: UInt32 = 0
    private(set) var active = false
    /// It is to be told that the socket is no longer at work once everything written has been delivered.
    var isResting = false
    /// The kernel refused; it is asked again when entries have changed.
    private(set) var hasFailed = false

    /// Whether telling `(model, active)` would say something new. Without a bandwidth to divide, `active` does not matter.
    func differs(_ model: UInt32, _ active: Bool?) -> Bool {
        guard model == self.model else { return true }
        guard model != 0, let active else { return false }
        return active != self.active
    }

    /// Tells the kernel; false: it refused.
    mutating func set(_ number: Int32, _ leg: Leg, model: UInt32, client: UInt32, active: Bool) -> Bool {
        let leg = leg == .client ? MB_LEG_RESPONSES : MB_LEG_REQUESTS
        var tag = mb_tag(model: model, client: client, leg: UInt8(leg.rawValue), active: active ? 1 : 0, pad: 0)
        self.model = model
        self.active = active
        isResting = false
        let result = setsockopt(number, MB_SOL_MODELBROKER, MB_SO_MODEL, &tag, socklen_t(MemoryLayout<mb_tag>.size))
        hasFailed = result != 0
        return !hasFailed
    }

    /// Entries have changed: a socket that the kernel refused is told anew at its next exchange.
    mutating func forgetFailure() {
        if hasFailed { self = SocketTag() }
    }
}
