internal import Catalog
internal import Control
internal import Logging
internal import Synchronization

/// Carrying out what the machine decides. All of it runs under the keeper's lock, but for what blocks.
extension EngineKeeper {
    func perform(_ actions: [EngineAction], _ state: inout State, _ now: UInt64) {
        var queue = actions[...]
        while let action = queue.popFirst() {
            switch action {
            case .start(let url): queue += start(url, &state, now)
            case .stop(let url): queue += stop(url, &state, now)
            case .kill(let url): queue += kill(url, &state, now)
            case .tell(let url, let news): announce(url, news, &state)
            }
        }
    }

    // MARK: Starting

    private func start(_ url: String, _ state: inout State, _ now: UInt64) -> [EngineAction] {
        guard let spec = state.specs[url] else { return state.machine.refused(url, "it is not configured", now: now) }
        state.lastRun += 1
        state.unknown.remove(url)
        state.strikes[url] = 0
        do throws(AgentError) {
            let process = try spec.activation.method.program.map { program throws(AgentError) in
                try launch(program, url, state.lastRun, &state)
            }
            state.runs[url] = EngineRun(id: state.lastRun, activation: spec.activation, process: process)
            if process == nil { try hook(url, state.lastRun, spec.activation) }
            return []
        } catch {
            state.runs[url] = nil
            return state.machine.refused(url, error.description, now: now)
        }
    }

    private func launch(
        _ program: EngineProgram, _ url: String, _ id: UInt64, _ state: inout State
    ) throws(AgentError) -> EngineProcess {
        let user = try EngineUser.find(program.user)
        let number = freeNumber(state)
        let book = state.logs[url] ?? EngineLogBook()
        state.logs[url] = book
        let output: EngineOutput
        do throws(SystemError) {
            try place.prepare(number)
            output = try EngineOutput(place.output(number)) { book.append($0) }
        } catch {
            throw AgentError(error)
        }
        do throws(AgentError) {
            let pid = try place.spawn(
                program.command, in: number, as: user, environment: program.environment, directory: program.directory,
                output: output.writer)
            let process = EngineProcess(
                number: number, pid: pid, uid: user.uid, gid: user.gid, fingerprint: program.fingerprint, output: output)
            watch(process, url, id, book)
            return process
        } catch {
            output.finish()
            place.clear(number, within: 100)
            throw error
        }
    }

    private func freeNumber(_ state: State) -> Int {
        let taken = Set(place.numbers + state.runs.values.compactMap { $0.process?.number })
        return (1...).first { !taken.contains($0) } ?? taken.count + 1
    }

    /// Waits for its end; whatever it started ends with it.
    func watch(_ process: EngineProcess, _ url: String, _ id: UInt64, _ book: EngineLogBook?) {
        let ended: @Sendable (String) -> Void = { [weak self] how in
            guard let self else { return }
            if !place.clear(process.number) {
                logger.error("processes of a server do not end", metadata: ["endpoint": "\(url)"])
            }
            // What it wrote last is there when its end is told.
            process.output.finish()
            process.output.settle(within: 1000)
            book?.finish()
            self.ended(url, id, how)
        }
        do {
            try ProcessWatch.start(process.pid, ended: ended)
        } catch {
            // It has ended already. Not from here, where the lock is held.
            do { try BackgroundThread.start("engine end") { ended("an unknown cause") } } catch {
                logger.error("cannot watch a server", metadata: ["endpoint": "\(url)", "reason": "\(error)"])
            }
        }
    }

    func ended(_ url: String, _ id: UInt64, _ how: String) {
        update { state, now in
            guard state.runs[url]?.id == id else { return [] }
            state.runs[url] = nil
            return state.machine.ended(url, how, now: now)
        }
    }

    /// Starts what is no process of ours.
    private func hook(_ url: String, _ id: UInt64, _ activation: Activation) throws(AgentError) {
        do throws(SystemError) {
            try BackgroundThread.start("engine start") { [weak self, hooks] in
                do throws(AgentError) {
                    try hooks.start(activation)
                } catch {
                    self?.refused(url, id, error.description)
                }
            }
        } catch {
            throw AgentError(error)
        }
    }

    private func refused(_ url: String, _ id: UInt64, _ reason: String) {
        update { state, now in
            guard state.runs[url]?.id == id else { return [] }
            guard case .starting = state.machine.servers[url]?.state else {
                logger.warning("a server runs that was not started", metadata: ["endpoint": "\(url)", "reason": "\(reason)"])
                return []
            }
            state.runs[url] = nil
            return state.machine.refused(url, reason, now: now)
        }
    }

    // MARK: Stopping

    private func stop(_ url: String, _ state: inout State, _ now: UInt64) -> [EngineAction] {
        guard let run = state.runs[url] else { return state.machine.ended(url, "stopped", now: now) }
        if let process = run.process {
            if !place.terminate(process.pid, in: process.number, uid: process.uid, gid: process.gid) {
                logger.warning("cannot ask a server to end; it is killed", metadata: ["endpoint": "\(url)"])
                place.kill(process.number)
            }
            return []
        }
        do throws(SystemError) {
            try BackgroundThread.start("engine stop") { [weak self, hooks, logger] in
                do throws(AgentError) {
                    // Otherwise it has ended when it does not answer any more.
                    if try hooks.stop(run.activation) { self?.ended(url, run.id, "stopped") }
                } catch {
                    logger.error("cannot stop a server", metadata: ["endpoint": "\(url)", "reason": "\(error)"])
                    self?.ended(url, run.id, error.description)
                }
            }
            return []
        } catch {
            logger.error("cannot stop a server", metadata: ["endpoint": "\(url)", "reason": "\(error)"])
            state.runs[url] = nil
            return state.machine.ended(url, "\(error)", now: now)
        }
    }

    private func kill(_ url: String, _ state: inout State, _ now: UInt64) -> [EngineAction] {
        guard let run = state.runs[url] else { return state.machine.ended(url, "stopped", now: now) }
        if let process = run.process {
            logger.warning("killing a server: it did not end in time", metadata: ["endpoint": "\(url)", "pid": "\(process.pid)"])
            place.kill(process.number)
            return []
        }
        logger.error("a server was told to end and still answers", metadata: ["endpoint": "\(url)"])
        state.runs[url] = nil
        return state.machine.ended(url, "it was told to end and still answers", now: now)
    }

    // MARK: Telling

    private func announce(_ url: String, _ news: EngineNews, _ state: inout State) {
        guard let spec = state.specs[url] else { return }
        let (kind, text) = Self.words(news)
        var detail = [url, text].compactMap(\.self).joined(separator: ": ")
        switch news {
        case .starting, .stopping(.hand):
            if let uid = state.orders.removeValue(forKey: url) { detail = EventReport.change(detail, by: uid) }
        default: break
        }
        for name in spec.names {
            audience.event(
                EventReport(
                    time: Timestamp.now(), kind: kind, model: name,
                    pid: state.runs[url]?.process.map { UInt32(truncatingIfNeeded: $0.pid) },
                    address: spec.keys.first?.address.description, detail: detail))
        }
        logger.notice("a server on demand", metadata: ["endpoint": "\(url)", "news": "\(kind.rawValue)", "why": "\(text ?? "")"])
    }

    private static func words(_ news: EngineNews) -> (EventReport.Kind, String?) {
        switch news {
        case .starting: (.engineStarting, nil)
        case .ready: (.engineReady, nil)
        case .stopping(let cause): (.engineStopping, cause.text)
        case .stopped: (.engineStopped, nil)
        case .failed(let reason): (.engineFailed, reason)
        case .crashed(let how): (.engineCrashed, how)
        }
    }
}
