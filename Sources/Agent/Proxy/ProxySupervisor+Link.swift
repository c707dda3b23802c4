private import CBrokerABI
internal import Control
internal import Logging

extension ProxySupervisor {
    /// A process said hello.
    func link(_ new: ProxyConnection) async {
        if let connection, connection.isOpen, connection.pid != new.pid {
            refuse(new, "another proxy (pid \(connection.pid)) is connected")
            return
        }
        watch(new.pid)
        let misfit = misfit(new.hello)
        let actions = supervision.connected(compatible: misfit == nil, now: .now)
        if let misfit {
            refuse(new, misfit, stopping: !actions.isEmpty)
        } else if case .running = supervision.phase {
            accept(new)
        } else {
            new.stop(deadline: ProxySupervision.evictionWait)
        }
    }

    private func accept(_ new: ProxyConnection) {
        connection = new
        pid = new.pid
        surroundings.state.update { $0.proxyPid = new.pid }
        if announced != new.pid {
            announced = new.pid
            adopted = spawned != new.pid && new.hello.generation > 0
            publish(adopted ? .proxyAdopted : .proxyStarted, new.pid, nil)
        }
        logger.info("the proxy is connected", metadata: ["pid": "\(new.pid)", "adopted": "\(adopted)"])
        surroundings.connected(new)
    }

    private func refuse(_ new: ProxyConnection, _ reason: String, stopping: Bool = false) {
        // It comes again and again, and the log shall not grow with it; the hub limits its events by itself.
        if refused != new.pid { logger.warning("turned a proxy away", metadata: ["pid": "\(new.pid)", "reason": "\(reason)"]) }
        refused = new.pid
        publish(.proxyRefused, new.pid, reason)
        if stopping { new.stop(deadline: ProxySupervision.evictionWait) } else { new.finish() }
    }

    private func misfit(_ hello: ProxyHello) -> String? {
        if hello.abi != MB_ABI_VERSION { return "it has kernel ABI \(hello.abi), the agent \(MB_ABI_VERSION)" }
        if hello.version != Version.current { return "it is version \(hello.version), the agent \(Version.current)" }
        return nil
    }

    /// A link ended.
    func unlink(_ old: ProxyConnection) async {
        guard old === connection else { return }
        connection = nil
        await perform(supervision.disconnected(now: .now))
    }
}
