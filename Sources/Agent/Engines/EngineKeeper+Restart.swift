internal import Catalog
private import Glibc
internal import Logging
internal import Synchronization

/// From one agent to the next: servers run on, and are taken over.
extension EngineKeeper {
    /// Takes over what an agent before this one left running; what is not wanted any more, or nobody knows, is killed.
    func takeOver(_ state: inout State, _ now: UInt64) -> [EngineAction] {
        loadLogs(&state)
        let notes = Dictionary(EngineNotes.read(place.notesPath).engines.map { ($0.number, $0) }) { first, _ in first }
        var strays: [Int] = []
        for number in place.numbers {
            let processes = place.processes(number)
            guard let note = notes[number], let spec = state.specs[note.url], let first = processes.first,
                spec.activation.method.program != nil, state.runs[note.url] == nil
            else {
                strays.append(number)
                continue
            }
            // Where the first process has gone, one of those that it started stands for them all.
            take(note, spec, pid: processes.contains(note.pid) ? note.pid : first, &state, now)
        }
        remove(strays)
        return []
    }

    private func take(_ note: EngineNotes.Note, _ spec: EngineSpec, pid: Int32, _ state: inout State, _ now: UInt64) {
        let book = state.logs[spec.url] ?? EngineLogBook()
        let output: EngineOutput
        do throws(SystemError) {
            output = try EngineOutput(place.output(note.number)) { book.append($0) }
        } catch {
            logger.error("cannot take a server over", metadata: ["endpoint": "\(spec.url)", "reason": "\(error)"])
            return remove([note.number])
        }
        state.lastRun += 1
        let process = EngineProcess(
            number: note.number, pid: pid, uid: note.uid, gid: note.gid, fingerprint: note.fingerprint, output: output)
        state.logs[spec.url] = book
        state.runs[spec.url] = EngineRun(id: state.lastRun, activation: spec.activation, process: process)
        state.machine.found(spec.url, isReady: note.isReady, starts: note.starts, crashes: note.crashes, now: now)
        watch(process, spec.url, state.lastRun, book)
        logger.notice("took a server over", metadata: ["endpoint": "\(spec.url)", "pid": "\(pid)"])
    }

    private func remove(_ numbers: [Int]) {
        guard !numbers.isEmpty else { return }
        for number in numbers { place.kill(number) }
        logger.notice("killed servers that nobody wants any more", metadata: ["count": "\(numbers.count)"])
        let place = place
        do { try BackgroundThread.start("engine removal") { for number in numbers { place.clear(number) } } } catch {
            logger.error("cannot remove the cgroups of servers", metadata: ["reason": "\(error)"])
        }
    }

    /// Writes down who runs, if that has changed.
    func note(_ state: inout State) {
        var notes = EngineNotes()
        for (url, run) in state.runs.sorted(by: { $0.key < $1.key }) {
            guard let process = run.process, let server = state.machine.servers[url] else { continue }
            var isReady = false
            if case .ready = server.state { isReady = true }
            notes.engines.append(
                EngineNotes.Note(
                    url: url, number: process.number, pid: process.pid, uid: process.uid, gid: process.gid, isReady: isReady,
                    starts: server.starts, crashes: server.crashes, fingerprint: process.fingerprint))
        }
        guard notes != state.notes else { return }
        state.notes = notes
        do {
            try notes.write(place.notesPath)
        } catch {
            logger.error("cannot write down which servers run", metadata: ["reason": "\(error)"])
        }
    }

    /// Stops every server, whatever it does, and forgets them: the broker is taken out of the node.
    func retire(limit: Duration) async {
        let runs = state.withLock { state in
            state.hasLeft = true
            defer { state.runs = [:] }
            return state.runs
        }
        let milliseconds = Int(limit / .milliseconds(1))
        await withCheckedContinuation { continuation in
            do {
                try BackgroundThread.start("engine retirement") { [self] in
                    dismiss(runs, within: milliseconds)
                    place.leave()
                    continuation.resume()
                }
            } catch {
                for run in runs.values { if let process = run.process { place.kill(process.number) } }
                continuation.resume()
            }
        }
    }

    private func dismiss(_ runs: [String: EngineRun], within milliseconds: Int) {
        let asked = Countdown(runs.values.count(where: { $0.process == nil }))
        for run in runs.values {
            if let process = run.process {
                _ = place.terminate(process.pid, in: process.number, uid: process.uid, gid: process.gid)
            } else {
                let started: Void? = try? BackgroundThread.start("engine stop") { [hooks] in
                    _ = try? hooks.stop(run.activation)
                    asked.signal()
                }
                if started == nil { asked.signal() }
            }
        }
        var left = milliseconds
        let numbers = runs.values.compactMap { $0.process?.number }
        while left > 0, numbers.contains(where: { !place.processes($0).isEmpty }) {
            Clocks.pause(milliseconds: 10)
            left -= 10
        }
        // What these are asked for may take minutes, and goes on without the agent.
        _ = asked.wait(until: Clocks.monotonic() + UInt64(max(left, 0)) * 1_000_000)
        for number in place.numbers { place.clear(number, within: 1000) }
    }
}
