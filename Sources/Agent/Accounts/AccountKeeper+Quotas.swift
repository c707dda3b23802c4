internal import Admission
internal import Catalog
internal import Control
internal import Logging
internal import Synchronization

/// What people ask of quotas, and do to them.
extension AccountKeeper {
    func quotas(_ selection: QuotaSelection) -> [QuotaReport] {
        let (page, epoch) = (file.page, epoch)
        return ledger.withLock { $0.quotas }.filter { $0.matches(selection) }.map { watch in
            watch.report(page.read(watch.slot)?.word ?? QuotaWord(period: 0, used: 0), epoch: epoch)
        }
    }

    /// What an account has counted, and what is left of it.
    func reading(_ key: AccountKey) -> (slot: UInt32, page: AccountPage)? {
        ledger.withLock { $0.slots[key.text] }.map { ($0, file.page) }
    }

    /// Sets quotas back to nothing used, once that will last. Blocks.
    ///
    /// - Returns: those that were set back, as they are now.
    /// - Throws: when it can't be made to last; then nothing has changed.
    func reset(_ selection: QuotaSelection, by uid: UInt32?) throws(AgentError) -> [QuotaReport] {
        let (page, epoch) = (file.page, epoch)
        let chosen = ledger.withLock { $0.quotas }.filter { $0.matches(selection) }
        guard !chosen.isEmpty else { return [] }
        let fault = writing.withLock { writing -> String? in
            if let fault = self.fault { return fault }
            do throws(SystemError) {
                try writing.journal.append(anew(chosen, epoch).flatMap { JournalCodec.encode($0) })
                try writing.journal.synchronize()
            } catch {
                fail(error, &writing)
                return error.description
            }
            for watch in chosen { page.reset(watch.slot, watch.quota.period, epoch: epoch) }
            return nil
        }
        if let fault { throw AgentError("no quota is set back, since that can't be written down: \(fault)") }
        for watch in chosen {
            hub.publish(
                EventReport(
                    time: Timestamp.now(), kind: .quotaReset, model: watch.model, client: watch.client,
                    reason: "\(watch.quota.period).\(watch.quota.unit)",
                    detail: EventReport.change("\(watch.title) begins anew", by: uid)))
        }
        return chosen.map { $0.report(page.read($0.slot)?.word ?? QuotaWord(period: 0, used: 0), epoch: epoch) }
    }

    /// The records by which nothing of these quotas is used, and nothing of them was told.
    private func anew(_ chosen: [QuotaWatch], _ epoch: Int64) -> [JournalRecord] {
        ledger.withLock { ledger in
            chosen.flatMap { watch in
                let word = QuotaWord(period: PeriodClock.number(watch.quota.period, at: epoch), used: 0)
                return [watch.name, watch.alertName].map { ledger.book.set($0, word, time: epoch) }
            }
        }
    }
}
