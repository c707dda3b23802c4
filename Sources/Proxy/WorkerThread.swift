import Flow
import Glibc
import Reactor
import Routing

/// Starts event loops on threads of their own.
enum WorkerThread {
    /// What a thread needs to make its loop; the loop itself is born on that thread and never leaves it.
    struct Start: Sendable {
        let mailbox: Mailbox<WorkerMessage>
        let outbox: Outbox
        let audit: AuditWriter
        let desk: TokenDesk
        let configuration: ProxyConfiguration
        /// What all event loops count together.
        let shared: RoutingShared
        let room: WaitingRoom
        /// Which of the event loops it is to be, and of how many.
        let loop: Int
        let loops: Int
    }

    private final class Box: Sendable {
        let start: Start
        init(_ start: Start) { self.start = start }
    }

    static func start(_ start: Start) throws(SystemError) {
        let box = Unmanaged.passRetained(Box(start))
        var thread = pthread_t()
        let code = pthread_create(&thread, nil, { Self.main($0) }, box.toOpaque())
        guard code == 0 else {
            box.release()
            throw SystemError("pthread_create", code)
        }
        pthread_detach(thread)
    }

    private static func main(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        guard let argument else { return nil }
        worker(Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().start).run()
    }

    /// By itself, so that nothing of the start, with its configuration, is held as long as the loop runs.
    @inline(never)
    private static func worker(_ start: Start) -> Worker {
        do throws(SystemError) {
            return try Worker(start, seed: UInt64.random(in: .min ... .max))
        } catch {
            ProxyProcess.say("modelbroker-proxy: event loop \(start.loop) cannot start: \(error)")
            exit(1)
        }
    }
}
