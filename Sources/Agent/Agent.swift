private import CLinux
internal import Catalog
internal import Control
private import Dispatch
private import Glibc
private import KernelPlane
package import Logging
private import ServiceLifecycle
private import Synchronization
private import UnixSignals

/// The node's agent: brings the kernel plane up, fills it, runs the proxy, answers the CLI and the monitoring.
package struct Agent: Sendable {
    private let groundwork: Groundwork
    private let logger: Logger

    /// Makes the node ready. To be called while the process has a single thread; capabilities are dropped on the way.
    ///
    /// - Throws: what is missing and what to do about it, or all faults of the configuration; this start has left nothing
    ///   behind then.
    package static func start(_ options: AgentOptions, logger: Logger) throws(AgentError) -> Agent {
        // A client that goes away is no reason to end, nor is a hang-up that comes before anybody waits for it.
        signal(SIGPIPE, SIG_IGN)
        signal(SIGHUP, SIG_IGN)
        clinux_limit_arenas(2)
        // Keys and tokens of the configuration are in its memory soon.
        let result = clinux_keep_memory_private()
        guard result == 0 else { throw AgentError(SystemError("hide", "the process's memory", code: -result)) }
        return Agent(groundwork: try StartSequence.run(options), logger: logger)
    }

    /// Works like `run`, and keeps the calling thread until the end.
    package func runToEnd() throws {
        let end = DispatchSemaphore(value: 0)
        let failure = Mutex<(any Error)?>(nil)
        Task.detached {
            do { try await run() } catch { failure.withLock { $0 = error } }
            end.signal()
        }
        end.wait()
        if let error = failure.withLock({ $0 }) { throw error }
    }

    /// Works until SIGTERM, SIGINT or `modelbroker detach`. Proxy and pins stay, except after `detach`.
    package func run() async throws {
        let parts = AgentParts(groundwork, logger)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: parts.services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        parts.whenLeaving { Task { await group.triggerGracefulShutdown() } }
        if let former = groundwork.plane.formerVersion {
            logger.notice("the content of maps of another version was carried over", metadata: ["layout": "\(former)"])
        }
        logger.notice(
            "modelbrokerd is up",
            metadata: [
                "version": "\(Version.current)", "generation": "\(groundwork.generation)",
                "adopted": "\(groundwork.plane.adopted)",
            ])
        try await group.run()
        if parts.hasLeft { groundwork.run.clear() }
        logger.notice("modelbrokerd ends", metadata: ["detached": "\(parts.hasLeft)"])
    }
}
