/// One of the five fields of a cron expression.
struct CronField {
    let name: String
    let range: ClosedRange<Int>
    /// Three letters each, for the numbers from `range.lowerBound` on.
    var names: [String] = []

    static let minute = CronField(name: "minute", range: 0...59)
    static let hour = CronField(name: "hour", range: 0...23)
    static let day = CronField(name: "day of month", range: 1...31)
    static let month = CronField(
        name: "month", range: 1...12,
        names: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"])
    static let weekday = CronField(
        name: "day of week", range: 0...7, names: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"])
    static let all = [minute, hour, day, month, weekday]

    /// Bit n is set when the field has the number n.
    func bits(_ text: Substring) throws(CronError) -> UInt64 {
        var bits: UInt64 = 0
        for part in text.split(separator: ",", omittingEmptySubsequences: false) { bits |= try element(part) }
        return bits
    }

    private func element(_ text: Substring) throws(CronError) -> UInt64 {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let (numbers, isRange) = try numbers(parts[0])
        guard parts.count == 2 else { return Self.bits(numbers, by: 1) }
        guard isRange else { throw fault("has a step behind a single number; a step needs a range or *") }
        guard let step = Self.number(parts[1]), (1...range.upperBound).contains(step) else {
            throw fault("has a step that is no number from 1 to \(range.upperBound)")
        }
        return Self.bits(numbers, by: step)
    }

    private func numbers(_ text: Substring) throws(CronError) -> (ClosedRange<Int>, isRange: Bool) {
        if text == "*" { return (range, true) }
        let ends = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let first = try value(ends[0])
        guard ends.count == 2 else { return (first...first, false) }
        let last = try value(ends[1])
        guard first <= last else { throw fault("has a range that ends before it begins") }
        return (first...last, true)
    }

    private func value(_ text: Substring) throws(CronError) -> Int {
        if let number = Self.number(text), range.contains(number) { return number }
        if let index = names.firstIndex(of: text.lowercased()) { return range.lowerBound + index }
        let alternative = names.isEmpty ? "" : " or a name from \(names[0]) to \(names[names.count - 1])"
        throw fault("has a value that is no number from \(range.lowerBound) to \(range.upperBound)\(alternative)")
    }

    /// Does not repeat the text, which may be a secret that a reference was taken for.
    private func fault(_ reason: String) -> CronError {
        CronError("has a fault in the field \(name): it \(reason)")
    }

    private static func bits(_ numbers: ClosedRange<Int>, by step: Int) -> UInt64 {
        stride(from: numbers.lowerBound, through: numbers.upperBound, by: step).reduce(0) { $0 | 1 << UInt64($1) }
    }

    /// One or two decimal digits.
    private static func number(_ text: Substring) -> Int? {
        guard (1...2).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(text)
    }
}
