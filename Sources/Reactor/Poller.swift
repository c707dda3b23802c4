import CLinux
import Glibc

/// What the kernel says of a descriptor.
package struct Readiness: Sendable {
    package let token: UInt64
    fileprivate let bits: UInt32

    package var isReadable: Bool { bits & (CLINUX_EPOLL_IN | CLINUX_EPOLL_RDHUP | CLINUX_EPOLL_HUP | CLINUX_EPOLL_ERR) != 0 }
    package var isWritable: Bool { bits & (CLINUX_EPOLL_OUT | CLINUX_EPOLL_HUP | CLINUX_EPOLL_ERR) != 0 }
    /// The peer sent FIN, or the connection is gone.
    package var isHungUp: Bool { bits & (CLINUX_EPOLL_RDHUP | CLINUX_EPOLL_HUP | CLINUX_EPOLL_ERR) != 0 }
}

/// An epoll instance. Everything is watched edge-triggered and in both directions once and for all, so no system call
/// follows a change of interest.
package struct Poller: ~Copyable {
    private let epoll: Descriptor
    private let events: UnsafeMutablePointer<epoll_event>
    private static let capacity = 256

    package init() throws(SystemError) {
        let number = epoll_create1(Int32(EPOLL_CLOEXEC))
        let code = errno
        guard number >= 0 else { throw SystemError("epoll_create1", code) }
        epoll = Descriptor(owning: number)
        events = .allocate(capacity: Self.capacity)
    }

    deinit { events.deallocate() }

    /// Watches a connection: readiness in either direction is told once each time it comes up.
    package func add(connection number: Int32, token: UInt64) throws(SystemError) {
        try add(number, CLINUX_EPOLL_EDGE | CLINUX_EPOLL_IN | CLINUX_EPOLL_OUT | CLINUX_EPOLL_RDHUP, token)
    }

    /// Watches a listener or an event descriptor: readiness is told as long as it lasts.
    package func add(source number: Int32, token: UInt64) throws(SystemError) {
        try add(number, CLINUX_EPOLL_IN, token)
    }

    /// Watches the descriptor no more.
    package func remove(_ number: Int32) {
        _ = epoll_ctl(epoll.number, EPOLL_CTL_DEL, number, nil)
    }

    private func add(_ number: Int32, _ bits: UInt32, _ token: UInt64) throws(SystemError) {
        let result = clinux_epoll_add(epoll.number, number, bits, token)
        guard result == 0 else { throw SystemError("epoll_ctl", -result) }
    }

    /// Waits for up to `milliseconds` (-1: for ever) and returns how many descriptors are ready.
    package mutating func wait(milliseconds: Int32) -> Int {
        let count = epoll_wait(epoll.number, events, Int32(Self.capacity), milliseconds)
        return count < 0 ? 0 : Int(count)
    }

    /// One of those that the last `wait` found ready.
    package func ready(_ index: Int) -> Readiness {
        Readiness(token: events[index].data.u64, bits: events[index].events)
    }
}
