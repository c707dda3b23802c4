internal import Admission
internal import Catalog

extension JournalCodec.Reading {
    /// What is wrong with a journal of so many bytes, in words; nil: nothing.
    func fault(in size: Int) -> String? {
        if isForeign { return "it is no journal of this version (\(size) bytes)" }
        var faults: [String] = []
        if damaged > 0 { faults.append("\(damaged) bytes are damaged") }
        if size > length { faults.append("the last \(size - length) bytes are no whole record") }
        return faults.isEmpty ? nil : faults.joined(separator: ", ")
    }

    /// Nothing is wrong but that its end was being written.
    var isTornOnly: Bool { !isForeign && damaged == 0 }
}

extension JournalState {
    /// Forgets what is over of accounts that nobody has: nobody will ask for a day, or month, before the one that has
    /// `epoch`. Of those that somebody has nothing is forgotten, as the clock may be wrong.
    mutating func prune(epoch: Int64, keeping names: Set<String>) {
        let day = PeriodClock.number(.day, at: epoch)
        let month = PeriodClock.number(.month, at: epoch)
        forget { name, word in
            !names.contains(AccountNames.account(name)) && word.period < (AccountNames.isMonthly(name) ? month : day)
        }
    }
}
