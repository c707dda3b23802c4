internal import Catalog

/// What a request asks of an access table; numbers of the catalogue, -1: none.
struct AccessAsk {
    let model: Int
    let pool: Int
    let operation: Operation
    let epoch: Int64
}

/// The rules of all clients, laid out so that looking at one touches neither text nor heap objects of its own.
struct AccessRules: Sendable {
    private struct Rule: Sendable {
        /// Where its bits begin: those of the models it means, then those of the pools.
        let bits: Int
        /// It means whatever there is, also what the catalogue does not know.
        let isEverything: Bool
        let operations: Operations
        let windows: Range<Int>
        /// -1: none.
        let name: Int
    }

    private var rules: [Rule] = []
    private var bits: [UInt64] = []
    private(set) var windows: [TimeWindow] = []
    private var names: [String] = []
    private var modelWords = 0
    private var modelCount = 0
    private var poolCount = 0

    /// - Parameter names: the same each time.
    mutating func add(_ list: [AccessRule], _ names: AccessNames) -> Range<Int> {
        (modelCount, poolCount) = (names.modelCount, names.poolCount)
        modelWords = (modelCount + 63) / 64
        let first = rules.count
        for rule in list { add(rule, names) }
        return first..<rules.count
    }

    private mutating func add(_ rule: AccessRule, _ names: AccessNames) {
        let start = bits.count
        bits += Array(repeating: 0, count: modelWords + (poolCount + 63) / 64)
        for name in rule.names {
            for model in names.models(meantBy: name) { bits[start + model / 64] |= 1 << UInt64(model % 64) }
            for pool in names.pools(meantBy: name) { bits[start + modelWords + pool / 64] |= 1 << UInt64(pool % 64) }
        }
        let firstWindow = windows.count
        windows += rule.times
        if !rule.name.isEmpty { self.names.append(rule.name) }
        rules.append(
            Rule(
                bits: start, isEverything: rule.names.contains("*"), operations: rule.operations,
                windows: firstWindow..<windows.count, name: rule.name.isEmpty ? -1 : self.names.count - 1))
    }

    /// The first of the rules in `range` that means the request, now.
    func first(in range: Range<Int>, _ ask: AccessAsk) -> Int? {
        for index in range where means(index, ask) && isInForce(index, ask.epoch) { return index }
        return nil
    }

    /// The name of the first rule that would mean the request at another time; -1: there is none, or it has none.
    func nameOfLate(in range: Range<Int>, _ ask: AccessAsk) -> Int {
        for index in range where means(index, ask) { return rules[index].name }
        return -1
    }

    func name(of rule: Int) -> Int { rules[rule].name }

    func name(_ number: Int) -> String { names.indices.contains(number) ? names[number] : "" }

    private func means(_ index: Int, _ ask: AccessAsk) -> Bool {
        let rule = rules[index]
        guard rule.operations.contains(ask.operation) else { return false }
        if rule.isEverything { return true }
        if ask.model >= 0, ask.model < modelCount, hasBit(rule.bits, ask.model) { return true }
        return ask.pool >= 0 && ask.pool < poolCount && hasBit(rule.bits + modelWords, ask.pool)
    }

    private func hasBit(_ start: Int, _ number: Int) -> Bool { bits[start + number / 64] & 1 << UInt64(number % 64) != 0 }

    private func isInForce(_ index: Int, _ epoch: Int64) -> Bool {
        let range = rules[index].windows
        if range.isEmpty { return true }
        for window in range where windows[window].contains(epochSeconds: epoch) { return true }
        return false
    }
}
