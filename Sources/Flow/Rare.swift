/// A large value that is seldom there. It is kept elsewhere, so that whoever has none carries one word.
struct Rare<Value: Sendable>: Sendable {
    private var values: [Value] = []

    var isEmpty: Bool { values.isEmpty }

    /// The value; nil: there is none.
    var value: Value? { values.first }

    mutating func set(_ value: Value) { values = [value] }

    mutating func remove() { if !values.isEmpty { values = [] } }

    /// What `body` makes of the value, or changes in it; nil: there is none.
    mutating func change<Result>(_ body: (inout Value) -> Result) -> Result? {
        values.isEmpty ? nil : body(&values[0])
    }
}
