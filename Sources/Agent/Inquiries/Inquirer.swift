private import CLinux
internal import Catalog
internal import Glibc
internal import Logging
internal import ServiceLifecycle
private import Synchronization

/// Runs errands, from a thread of its own.
final class Inquirer: Service {
    /// The schedule is looked at so often at most, however many errands there are: in nanoseconds.
    private static let pause: UInt64 = 20_000_000

    private let schedule: Mutex<InquirySchedule>
    private let heard: @Sendable (Errand, Inquiry.Outcome) -> Void
    private let logger: Logger
    private let stopped = Atomic<Bool>(false)
    private let changed = Atomic<Bool>(false)
    /// Readable when the thread is to look up.
    private let wake = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))

    /// - Parameter heard: what came of an errand; never `unknown`. Called on the inquirer's thread.
    init(
        logger: Logger, schedule: InquirySchedule = InquirySchedule(),
        heard: @escaping @Sendable (Errand, Inquiry.Outcome) -> Void
    ) {
        self.logger = logger
        self.schedule = Mutex(schedule)
        self.heard = heard
    }

    deinit { close(wake) }

    /// From now on these are run, no others.
    func watch(_ errands: [(errand: Errand, plan: InquiryPlan)]) {
        schedule.withLock { $0.watch(errands, now: Clocks.monotonic()) }
        changed.store(true, ordering: .releasing)
        eventfd_write(wake, 1)
    }

    func run() async throws {
        try BackgroundThread.start("inquirer") { self.work() }
        try? await gracefulShutdown()
        stopped.store(true, ordering: .relaxed)
        eventfd_write(wake, 1)
    }

    private func work() {
        var open: [Errand: Inquiry] = [:]
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        var trust = TLSTrust()
        // When the schedule is to be looked at next, and when that was last done.
        var (look, looked): (UInt64, UInt64) = (0, 0)
        while !stopped.load(ordering: .relaxed) {
            // Before anybody is late: what has arrived while a long answer was read counts.
            for inquiry in ready(of: open, until: look) {
                guard let outcome = inquiry.advance(&buffer) else { continue }
                open[inquiry.errand] = nil
                take(outcome, of: inquiry.errand)
                // It waits for its next turn now, which may come long before it would have been late.
                look = min(look, looked + Self.pause)
            }
            let now = Clocks.monotonic()
            let isChanged = changed.exchange(false, ordering: .acquiring)
            if isChanged { forget(&open) }
            if isChanged || now >= look {
                looked = now
                expire(&open, now)
                start(&open, &trust, now)
                let next = schedule.withLock { $0.next }
                look = next.map { max($0, now + Self.pause) } ?? .max
            }
        }
    }

    /// Lets go of what is not wanted any more: it would never be late.
    private func forget(_ open: inout [Errand: Inquiry]) {
        for errand in Array(open.keys) where !schedule.withLock({ $0.isUnderWay(errand) }) { open[errand] = nil }
    }

    private func expire(_ open: inout [Errand: Inquiry], _ now: UInt64) {
        let (late, plans) = schedule.withLock { schedule in
            let late = schedule.late(now)
            return (late, late.map { schedule.plan(of: $0) })
        }
        for (errand, plan) in zip(late, plans) {
            open[errand] = nil
            take(.failed(reason: "no answer in \((plan?.timeout ?? 0) / 1_000_000) ms"), of: errand)
        }
    }

    private func start(_ open: inout [Errand: Inquiry], _ trust: inout TLSTrust, _ now: UInt64) {
        for (errand, plan, address) in schedule.withLock({ $0.due(now) }) {
            switch Inquiry.start(errand, plan, at: plan.addresses[address], &trust) {
            case .underWay(let inquiry): open[errand] = inquiry
            case .decided(let outcome): take(outcome, of: errand)
            }
        }
    }

    /// Waits for one of the inquiries, a wake-up or the time.
    private func ready(of open: [Errand: Inquiry], until time: UInt64) -> [Inquiry] {
        let inquiries = Array(open.values)
        var polled = [pollfd(fd: wake, events: Int16(POLLIN), revents: 0)]
        polled += inquiries.map { pollfd(fd: $0.descriptor, events: $0.interest, revents: 0) }
        let now = Clocks.monotonic()
        let milliseconds = time == .max ? -1 : time <= now ? 0 : Int32(clamping: (time - now) / 1_000_000 + 1)
        guard poll(&polled, nfds_t(polled.count), milliseconds) > 0 else { return [] }
        if polled[0].revents != 0 { clinux_drain(wake) }
        return zip(inquiries, polled.dropFirst()).filter { $0.1.revents != 0 }.map(\.0)
    }

    private func take(_ outcome: Inquiry.Outcome, of errand: Errand) {
        var succeeded = true
        if case .failed = outcome { succeeded = false }
        guard schedule.withLock({ $0.finished(errand, succeeded: succeeded) }) else { return }
        guard case .unknown(let reason) = outcome else { return heard(errand, outcome) }
        logger.debug("cannot ask an endpoint", metadata: ["endpoint": "\(errand.url)", "reason": "\(reason)"])
    }
}
