internal import Admission
internal import Catalog
internal import Control
internal import Logging
internal import Synchronization

extension AccountKeeper {
    /// Brings together what the journal has and what the page has, each of which may have more.
    func recover(_ path: String) {
        writing.withLock { writing in
            var book = JournalState(recovered(writing.journal))
            let (page, epoch) = (file.page, epoch)
            for (slot, name) in page.owned where AccountNames.isQuota(name) {
                if let word = book.words[name] { page.restore(slot, word) }
                guard let word = page.read(slot)?.word, word.used > 0 else { continue }
                _ = book.note(name, word, time: epoch)
            }
            book.prune(epoch: epoch, keeping: Set(page.owned.map(\.name)))
            ledger.withLock { $0.book = book }
            do throws(SystemError) {
                try rewrite(&writing)
                page.isSuspended = false
            } catch {
                fail(error, &writing)
            }
        }
    }

    private func recovered(_ journal: borrowing JournalFile) -> [JournalRecord] {
        let path = journal.path
        do throws(SystemError) {
            let bytes = try journal.read()
            let size = bytes.count
            let reading = JournalCodec.decode(bytes)
            guard let fault = reading.fault(in: size) else { return reading.records }
            // Whoever is killed while writing leaves a torn end; anything else is worth a look.
            let aside = reading.isTornOnly ? nil : keep(path)
            let last = reading.records.map(\.time).max()
            logger.error(
                "the journal is not whole: what was used after its last record is lost, unless the page of accounts has it",
                metadata: [
                    "reason": "\(path): \(fault)", "records": "\(reading.records.count)", "kept": "\(aside ?? "no")",
                    "last": "\(last.map { Timestamp.text(seconds: Int($0), milliseconds: 0) } ?? "none")",
                ])
            return reading.records
        } catch {
            logger.error(
                "the journal can't be read: what was used is lost, unless the page of accounts has it",
                metadata: ["reason": "\(error)", "kept": "\(keep(path) ?? "no")"])
            return []
        }
    }

    /// Keeps the journal under another name as well: it stays where it is until there is another one in its place.
    private func keep(_ path: String) -> String? {
        let other = "\(path).unusable-\(clock())"
        return File.keep(path, as: other) ? other : nil
    }
}
