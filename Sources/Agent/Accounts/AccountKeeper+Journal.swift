internal import Admission
internal import Catalog
internal import Control
internal import Logging
internal import Synchronization

/// Writing down what is used, on the journal's own thread or on that of whoever sets quotas back.
extension AccountKeeper {
    /// Writes down what has changed.
    func look(isLast: Bool = false) {
        let epoch = epoch
        writing.withLock { writing in
            let (records, events) = collect(epoch)
            for event in events { hub.publish(event) }
            let now = Clocks.monotonic()
            do throws(SystemError) {
                guard fault == nil else { return try resume(&writing, now) }
                if !records.isEmpty { try writing.journal.append(records.flatMap { JournalCodec.encode($0) }) }
                if isLast || now - writing.synchronized >= pace.synchronize {
                    try writing.journal.synchronize()
                    writing.synchronized = now
                }
                if isDue(writing.journal.size, epoch) { try rewrite(&writing) }
            } catch {
                fail(error, &writing)
            }
        }
    }

    /// What has changed since it was written down.
    private func collect(_ epoch: Int64) -> (records: [JournalRecord], events: [EventReport]) {
        let page = file.page
        return ledger.withLock { ledger in
            var records: [JournalRecord] = []
            var events: [EventReport] = []
            for watch in ledger.quotas {
                guard let seen = page.read(watch.slot)?.word, seen.used > 0 else { continue }
                let before = records.count
                if let record = ledger.book.note(watch.name, seen, time: epoch) { records.append(record) }
                records += move(watch, seen, page, &ledger.book)
                guard records.count > before, let word = ledger.book.words[watch.name] else { continue }
                let told = ledger.book.words[watch.alertName]
                guard let alert = QuotaAlerts.due(watch, word, told: told, epoch: epoch) else { continue }
                if let record = ledger.book.note(watch.alertName, alert.word, time: epoch) { records.append(record) }
                events += alert.events.map { QuotaAlerts.report($0, watch, word, epoch: epoch) }
            }
            return (records, events)
        }
    }

    /// The clock may have been set: what is used is used when it says. The page goes first: it is never behind the journal.
    private func move(
        _ watch: QuotaWatch, _ word: QuotaWord, _ page: AccountPage, _ book: inout JournalState
    ) -> [JournalRecord] {
        // Not when the look began: the word may be of a period that has begun since.
        let time = epoch
        let period = PeriodClock.number(watch.quota.period, at: time)
        guard let moved = book.moved(watch.name, word, to: period), page.exchange(watch.slot, word, for: moved) else {
            return []
        }
        var records = [book.set(watch.name, moved, time: time)]
        if let told = book.words[watch.alertName], let moved = book.moved(watch.alertName, told, to: period, join: max) {
            records.append(book.set(watch.alertName, moved, time: time))
        }
        return records
    }

    private func isDue(_ size: Int, _ epoch: Int64) -> Bool {
        guard size > JournalState.smallest else { return false }
        return ledger.withLock { ledger in
            ledger.book.prune(epoch: epoch, keeping: Set(ledger.quotas.map(\.name)))
            return ledger.book.needsCompaction(size: size)
        }
    }

    /// Writes all of it anew.
    func rewrite(_ writing: inout Writing) throws(SystemError) {
        let epoch = epoch
        try writing.journal.replace(with: ledger.withLock { $0.book.snapshot(time: epoch) })
        writing.synchronized = Clocks.monotonic()
    }

    private func resume(_ writing: inout Writing, _ now: UInt64) throws(SystemError) {
        guard now >= writing.retry else { return }
        try rewrite(&writing)
        writing.failures = 0
        ledger.withLock { $0.fault = nil }
        let page = file.page
        page.isSuspended = false
        logger.notice("what is used is written down again")
        hub.publish(EventReport(time: Timestamp.now(), kind: .accountingResumed))
    }

    /// From now on nothing that a quota governs passes: better none than what nobody will know of.
    func fail(_ error: SystemError, _ writing: inout Writing) {
        let wait = min(pace.retry << UInt64(min(writing.failures, 16)), pace.longestRetry)
        writing.failures += 1
        writing.retry = Clocks.monotonic() + wait
        let page = file.page
        page.isSuspended = true
        let isNew = ledger.withLock { ledger in
            defer { ledger.fault = error.description }
            return ledger.fault == nil
        }
        guard isNew else { return }
        logger.error("what is used can't be written down: quotas admit nothing", metadata: ["reason": "\(error)"])
        hub.publish(EventReport(time: Timestamp.now(), kind: .accountingStopped, detail: error.description))
    }
}
