internal import Logging

/// Starting, watching and killing the proxy's process.
extension ProxySupervisor {
    func killAll(_ program: ProxyProgram) async {
        logger.warning("killing the proxy: it does not answer", metadata: ["pids": "\(program.processes)"])
        if isAside, let pid { program.killAside(pid) }
        await kill(program)
        await forget("killed: it did not answer")
        await perform(supervision.exited(now: .now))
    }

    func spawn(_ program: ProxyProgram) async {
        // Whatever is still in the cgroup is none that we know: two proxies must not share the listeners' slots.
        if !program.processes.isEmpty { await kill(program) }
        let isNext = supervision.isReplacing
        do {
            let pid = try program.spawn()
            spawned = pid
            if isNext {
                next = Next(pid: pid)
            } else {
                self.pid = pid
                surroundings.state.update { $0.proxyPid = pid }
            }
            logger.info(isNext ? "started the proxy's successor" : "started the proxy", metadata: ["pid": "\(pid)"])
            watch(pid)
        } catch {
            logger.error("cannot start the proxy", metadata: ["reason": "\(error)"])
            if isNext {
                replacementFault = "cannot start the new one: \(error)"
                await perform(supervision.nextFailed(now: .now))
            } else {
                lastExit = "\(error)"
                await perform(supervision.exited(now: .now))
            }
        }
    }

    /// Kills everything in the proxy's cgroup.
    func kill(_ program: ProxyProgram) async {
        do {
            try program.kill()
        } catch {
            logger.error("cannot kill the proxy", metadata: ["reason": "\(error)"])
        }
        if await !CgroupVacancy.wait([program.cgroup], atMost: .seconds(2)) {
            logger.error("processes stay in the proxy's cgroup")
        }
    }

    func watch(_ pid: Int32) {
        guard watched.insert(pid).inserted else { return }
        do {
            try ProcessWatch.start(pid) { [feed] how in feed.yield(.ended(pid, how)) }
        } catch {
            feed.yield(.ended(pid, "\(error)"))
        }
    }
}
