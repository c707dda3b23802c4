internal import Control
private import Glibc
internal import KernelPlane
internal import Logging
private import ServiceLifecycle
private import Synchronization

/// Carries the kernel's events to the hub, on a thread of its own.
final class KernelEventPump: Service {
    private static let waitMilliseconds: Int32 = 500

    private let plane: KernelPlane
    private let hub: EventHub
    private let names: NodeNames
    private let logger: Logger
    private let heard: @Sendable (KernelEvent, EventReport) -> Void
    private let stopped = Atomic<Bool>(false)

    /// - Parameter heard: what else is done with each event, on the pump's thread.
    init(
        plane: KernelPlane, hub: EventHub, names: NodeNames, logger: Logger,
        heard: @escaping @Sendable (KernelEvent, EventReport) -> Void = { _, _ in }
    ) {
        self.plane = plane
        self.hub = hub
        self.names = names
        self.logger = logger
        self.heard = heard
    }

    func run() async throws {
        try BackgroundThread.start("kernel-events") { self.pump() }
        try? await gracefulShutdown()
        stopped.store(true, ordering: .relaxed)
    }

    private func pump() {
        var failing = false
        while !stopped.load(ordering: .relaxed) {
            do {
                try plane.pollEvents(timeoutMilliseconds: Self.waitMilliseconds) { event in
                    let report = EventReport(event, names, time: Timestamp.now())
                    hub.publish(report)
                    heard(event, report)
                }
                failing = false
            } catch {
                if !failing { logger.error("cannot read the kernel's events", metadata: ["reason": "\(error)"]) }
                failing = true
                poll(nil, 0, Self.waitMilliseconds)
            }
        }
    }
}
