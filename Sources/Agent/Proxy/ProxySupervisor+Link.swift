private import CBrokerABI
internal import Control
internal import Logging

extension ProxySupervisor {
    /// A process said hello.
    func link(_ new: ProxyConnection) async {
        if round != nil { return await hear(new) }
        watch(new.pid)
        if takeDraining(new) { return }
        if let next, next.pid == new.pid { return await linkNext(new) }
        if let connection, connection.isOpen, connection.pid != new.pid {
            refuse(new, "another proxy (pid \(connection.pid)) is connected")
            return new.finish()
        }
        await linkProxy(new)
    }

    /// The proxy, or one that wants to be it, said hello.
    func linkProxy(_ new: ProxyConnection) async {
        let misfit = misfit(new.hello)
        let isReplacing = supervision.isReplacing
        // One that has no configuration has no listeners, and nobody to lose.
        let handsOver = new.handsOver && new.hello.generation > 0
        let actions = supervision.connected(compatible: misfit == nil, handsOver: handsOver, now: .now)
        if !actions.isEmpty || isReplacing { former = new }
        if let misfit {
            refuse(new, misfit)
            // Nobody asks it to go, so it may come again and find another agent.
            if actions.isEmpty, !isReplacing, !supervision.keepsMisfit { return new.finish() }
            former = new
            if supervision.isReplacing {
                pid = new.pid
                if !isReplacing { replacementBegan = .now }
            }
        } else if case .running = supervision.phase {
            accept(new)
        } else if isReplacing {
            // It has its configuration, and gets a new one only if it stays.
            connection = new
            isWelcomePut = true
        } else if actions.isEmpty {
            new.stop(deadline: ProxySupervision.evictionWait)
        }
        await perform(actions)
    }

    private func linkNext(_ new: ProxyConnection) async {
        guard supervision.isReplacing else { return new.stop(deadline: ProxySupervision.evictionWait) }
        let misfit = misfit(new.hello)
        next?.connection = new
        if let misfit { replacementFault = "the new one does not fit: \(misfit); restart the agent to have one version of both" }
        await perform(supervision.nextConnected(compatible: misfit == nil, now: .now))
    }

    /// Makes it the proxy that the agent works with.
    func accept(_ new: ProxyConnection) {
        connection = new
        pid = new.pid
        surroundings.state.update { $0.proxyPid = new.pid }
        if announced != new.pid {
            announced = new.pid
            adopted = spawned != new.pid && new.hello.generation > 0
            publish(adopted ? .proxyAdopted : .proxyStarted, new.pid, nil)
        }
        logger.info("the proxy is connected", metadata: ["pid": "\(new.pid)", "adopted": "\(adopted)"])
        surroundings.connected(new, Welcome(handed: handed))
        handed = nil
        carry()
    }

    func refuse(_ new: ProxyConnection, _ reason: String) {
        // It comes again and again, and the log shall not grow with it; the hub limits its events by itself.
        if refused != new.pid { logger.warning("turned a proxy away", metadata: ["pid": "\(new.pid)", "reason": "\(reason)"]) }
        refused = new.pid
        publish(.proxyRefused, new.pid, reason)
    }

    private func misfit(_ hello: ProxyHello) -> String? {
        if hello.abi != MB_ABI_VERSION { return "it has kernel ABI \(hello.abi), the agent \(MB_ABI_VERSION)" }
        if hello.version != Version.current { return "it is version \(hello.version), the agent \(Version.current)" }
        return nil
    }

    /// A link ended.
    func unlink(_ old: ProxyConnection) async {
        if drainLinks[old.pid] === old {
            if let how = departed[old.pid] { finishDraining(old.pid, how) }
            return
        }
        if let next, next.connection === old { return await lose(next, "the new one lost its link") }
        if old === former, old !== connection { former = nil }
        guard old === connection else { return }
        connection = nil
        await perform(supervision.disconnected(now: .now))
    }
}
