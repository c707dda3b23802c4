internal import Control
internal import Logging

/// Proxies that have been replaced, and what an agent finds at its start.
extension ProxySupervisor {
    /// The first decision.
    func begin() async {
        let inPlace = program?.processes ?? []
        program?.clearPlaces()
        let aside = program?.processesAside ?? []
        if !(inPlace + aside).isEmpty {
            round = (AdoptionRound(inPlace: inPlace, aside: aside), [])
            for pid in inPlace + aside { watch(pid) }
        }
        await perform(supervision.begin(alive: round != nil, now: .now))
    }

    /// One of those found at the start said hello.
    func hear(_ new: ProxyConnection) async {
        watch(new.pid)
        round?.heard.removeAll { $0.pid == new.pid }
        round?.heard.append(new)
        round?.adoption.heard(
            new.pid, new.hello.retiring != nil ? .retiring : new.hello.generation > 0 ? .serving : .fresh)
        await concludeAdoption(isLate: false)
    }

    /// Decides which of them is the proxy, as soon as all have been heard or the time for that is over.
    func concludeAdoption(isLate: Bool) async {
        guard let (adoption, heard) = round, isLate || adoption.isComplete else { return }
        round = nil
        let verdict = adoption.verdict
        let links = Dictionary(heard.map { ($0.pid, $0) }) { _, last in last }
        for link in heard where link.hello.retiring != nil {
            _ = takeDraining(link)
            if adoption.hasEnded(link.pid) { finishDraining(link.pid, "an unknown cause") }
        }
        await kill(verdict)
        for pid in verdict.retire {
            let link = links[pid]
            link?.retire(deadline: drain)
            beginDraining(pid, until: .now + drain, link)
        }
        if verdict.isBroughtBack, let pid = verdict.proxy { await bringBackFound(pid) }
        let known = Set([verdict.proxy].compactMap(\.self) + verdict.retire + verdict.kill)
        for pid in program?.processesAside ?? [] where !known.contains(pid) && !drains.contains(pid) {
            // It has yet to be heard; if it never is, nobody knows until when it drains.
            beginDraining(pid, until: .now + ProxySupervision.connectWait, nil)
        }
        if let proxy = verdict.proxy, let link = links[proxy] { return await linkProxy(link) }
        let alive = !(program?.processes.isEmpty ?? true)
        await perform(isLate ? supervision.tick(alive: alive, now: .now) : supervision.exited(now: .now))
    }

    private func kill(_ verdict: AdoptionRound.Verdict) async {
        guard let program, !verdict.kill.isEmpty else { return }
        let aside = program.processesAside
        for pid in verdict.kill where aside.contains(pid) { program.killAside(pid) }
        if !Set(program.processes).isDisjoint(with: verdict.kill) { await kill(program) }
    }

    /// The agent before ended in the middle of replacing it.
    private func bringBackFound(_ pid: Int32) async {
        guard let program else { return }
        if !program.processes.isEmpty { await kill(program) }
        do throws(AgentError) {
            try program.bringBack(pid)
            logger.notice("a replacement was not finished: the proxy before serves on", metadata: ["pid": "\(pid)"])
        } catch {
            isAside = true
            logger.error("cannot bring the proxy back into its cgroup", metadata: ["reason": "\(error)"])
        }
    }

    /// Takes up the link of one that drains. False: it is none of these.
    func takeDraining(_ new: ProxyConnection) -> Bool {
        let now = ContinuousClock.now
        if let left = new.hello.retiring {
            beginDraining(new.pid, until: now + .milliseconds(Int64(left)), new)
            return true
        }
        guard let entry = drains.entries.first(where: { $0.pid == new.pid }) else { return false }
        // It has not heard of it yet.
        new.retire(deadline: max(.zero, entry.until - now))
        drainLinks[new.pid] = new
        return true
    }

    func beginDraining(_ pid: Int32, until: ContinuousClock.Instant, _ link: ProxyConnection?) {
        drainCount += 1
        if let link { drainLinks[pid] = link }
        for surplus in drains.add(pid, until: until) {
            killDraining(surplus, "more than \(DrainBook.limit) drain at once")
        }
    }

    func killDraining(_ pid: Int32, _ reason: String) {
        logger.warning("killing a proxy that drains", metadata: ["pid": "\(pid)", "reason": "\(reason)"])
        program?.killAside(pid)
    }

    /// It has ended: what it has counted lives on in the proxy. What it said last may still have to be read, so the end of its
    /// link is awaited, which comes behind that.
    func finishDraining(_ pid: Int32, _ how: String) {
        guard drainLinks[pid]?.isOpen != true else {
            departed[pid] = how
            return
        }
        departed[pid] = nil
        let wasKilled = drains.entries.contains { $0.pid == pid && $0.isKilled }
        drains.remove(pid)
        drainCount += 1
        if let link = drainLinks.removeValue(forKey: pid) { keepWords(of: link) }
        carry()
        program?.clearPlaces()
        logger.info("a proxy has drained", metadata: ["pid": "\(pid)", "how": "\(how)"])
        publish(.proxyDrained, pid, wasKilled ? "killed: its time was over" : how)
    }

    private func keepWords(of link: ProxyConnection) {
        var totals = uncarried ?? ProxyTotals()
        totals.add(link.lastWords.ended)
        uncarried = totals
    }

    /// Has the proxy count on from where others have ended.
    func carry() {
        guard let connection, connection.isOpen, let totals = uncarried else { return }
        connection.send(.carry(totals))
        uncarried = nil
        drainCount += 1
    }
}
