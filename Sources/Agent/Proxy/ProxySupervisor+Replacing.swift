internal import Control
internal import Logging

/// Putting a new proxy in the place of one that serves.
extension ProxySupervisor {
    /// Somebody wants that.
    func replace(_ id: UInt64) async {
        guard program != nil else {
            return refuse(id, "node.proxy is external: whoever starts the proxy has to replace it")
        }
        // Another one would cut what the oldest has under way.
        guard !drains.isFull else {
            return refuse(
                id, "\(DrainBook.limit) proxies drain already; wait until one of them has ended (modelbroker proxy list)")
        }
        let actions = round == nil ? supervision.replace(now: .now) : []
        guard !actions.isEmpty else {
            return refuse(
                id,
                supervision.isReplacing
                    ? "the proxy is being replaced already" : "the proxy is \(status.state.rawValue), and can't be replaced now")
        }
        waiting.insert(id)
        replacementBegan = .now
        former = connection
        await perform(actions)
    }

    private func refuse(_ id: UInt64, _ reason: String) { replacements.answer(id, .failure(AgentError(reason))) }

    /// The proxy has ended before it handed anything over: nothing comes of replacing it.
    func abandonReplacement(_ how: String) {
        guard case .handingOver = supervision.phase else { return }
        for id in waiting { refuse(id, "the proxy ended by \(how) before it was replaced; a new one is started") }
        waiting = []
    }

    func requestListeners() {
        replacementFault = ""
        let (asked, cookie) = (former, surroundings.netnsCookie)
        guard let asked, asked.isOpen, asked.handsOver else {
            feed.yield(.handedOver(asked, .failure(AgentError("it can't hand its listeners over"))))
            return
        }
        Task { [feed] in
            do throws(AgentError) {
                let sockets = try await asked.handOver(netnsCookie: cookie, atMost: ProxySupervision.handOverWait)
                feed.yield(.handedOver(asked, .success(sockets)))
            } catch {
                feed.yield(.handedOver(asked, .failure(error)))
            }
        }
    }

    /// The proxy's listeners have come, or won't.
    func take(handedOver result: Result<HandedSockets, AgentError>, from source: ProxyConnection?) async {
        guard case .handingOver = supervision.phase, source === former else { return }
        switch result {
        case .success(let sockets):
            handed = sockets
            await perform(supervision.handedOver(true, now: .now))
        case .failure(let error):
            // The link broke: the proxy may be back in a moment.
            if source?.isOpen != true, supervision.deadline.map({ .now < $0 }) == true { return }
            replacementFault = "the proxy (pid \(pid ?? 0)) can't be replaced: \(error)"
            let actions = supervision.handedOver(false, now: .now)
            reportFailure()
            await perform(actions)
            await resume()
        }
    }

    /// The proxy serves on in a cgroup of its own. False: it can't be moved, and nothing comes of it.
    func setAside() async -> Bool {
        guard let program, let pid else { return false }
        do throws(AgentError) {
            try program.setAside(pid)
            isAside = true
            return true
        } catch {
            replacementFault = "the proxy can't be set aside: \(error)"
            await perform(supervision.nextFailed(now: .now))
            return false
        }
    }

    func welcomeNext() {
        guard let connection = next?.connection else { return }
        surroundings.connected(connection, Welcome(handed: handed, isNext: true))
        // From here on they are on their way.
        handed = nil
    }

    /// What came of welcoming the next one.
    func settle(_ connection: ProxyConnection, _ outcome: ProxyConnection.Outcome, _ drain: Duration) async {
        self.drain = drain
        guard let next, next.connection === connection else { return }
        switch outcome {
        case .applied where connection.isOpen: await perform(supervision.nextReady(now: .now))
        case .rejected(let reason): await lose(next, "the new one refused the configuration: \(reason)")
        case .applied, .silent: await lose(next, "the new one did not put the configuration into force")
        }
    }

    /// The next one won't be the proxy.
    func lose(_ lost: Next, _ reason: String) async {
        guard next?.pid == lost.pid else { return }
        replacementFault = reason
        await perform(supervision.nextFailed(now: .now))
    }

    /// The next one accepts.
    func retireFormer() {
        guard let next, let old = pid else { return }
        let now = ContinuousClock.now
        former?.retire(deadline: drain)
        beginDraining(old, until: now + drain, former)
        self.next = nil
        (former, handed, isAside, isWelcomePut) = (nil, nil, false, false)
        (connection, pid, announced, adopted) = (next.connection, next.pid, next.pid, false)
        surroundings.state.update { $0.proxyPid = next.pid }
        logger.notice(
            "replaced the proxy", metadata: ["pid": "\(next.pid)", "before": "\(old)", "drains": "\(drain)"])
        publish(.proxyReplaced, next.pid, "in the place of pid \(old), which drains for up to \(drain)")
        report(from: old, to: next.pid, isDone: true)
        carry()
    }

    /// All goes on as if nothing had happened.
    func bringBack() async {
        let lost = next?.pid
        next?.connection?.finish()
        (next, handed) = (nil, nil)
        if isAside, let program, let pid {
            // Only then the next one is alone in the proxy's cgroup.
            if !program.processes.isEmpty { await kill(program) }
            do throws(AgentError) {
                try program.bringBack(pid)
                isAside = false
            } catch {
                logger.error("cannot bring the proxy back into its cgroup", metadata: ["reason": "\(error)"])
            }
        }
        reportFailure(lost)
        await resume()
    }

    /// The proxy ended while the next one was on its way: that one is the proxy now.
    func promoteNext() {
        guard let next else { return }
        self.next = nil
        pid = next.pid
        surroundings.state.update { $0.proxyPid = next.pid }
        replacementFault = "the proxy ended before the new one served; there was nobody to drain"
        reportFailure(next.pid)
        guard let connection = next.connection, connection.isOpen else { return }
        _ = supervision.connected(compatible: true, now: .now)
        accept(connection)
    }

    /// The proxy stays. Its link may have broken, or be a new one, while that did not matter.
    private func resume() async {
        guard case .running = supervision.phase else { return }
        guard let connection, connection.isOpen else {
            self.connection = nil
            return await perform(supervision.disconnected(now: .now))
        }
        if isWelcomePut { surroundings.connected(connection, Welcome()) }
        isWelcomePut = false
    }

    private func reportFailure(_ to: Int32? = nil) {
        let reason = replacementFault.isEmpty ? "the new one did not get ready" : replacementFault
        logger.error("the proxy was not replaced", metadata: ["pid": "\(pid ?? 0)", "reason": "\(reason)"])
        publish(.proxyKept, pid ?? 0, reason)
        report(from: pid ?? 0, to: to, isDone: false, reason)
        replacementFault = ""
    }

    private func report(from: Int32, to: Int32?, isDone: Bool, _ reason: String? = nil) {
        let milliseconds = (ContinuousClock.now - replacementBegan) / .milliseconds(1)
        let report = ReplacementReport(
            time: Timestamp.now(), replaced: isDone, from: from, to: to, reason: reason,
            milliseconds: UInt64(max(0, milliseconds)), drainMilliseconds: isDone ? UInt64(drain / .milliseconds(1)) : nil)
        lastReplacement = report
        for id in waiting { replacements.answer(id, .success(report)) }
        waiting = []
    }
}
