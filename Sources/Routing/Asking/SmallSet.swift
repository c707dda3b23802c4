/// A few numbers without memory of its own.
package struct SmallSet: Sendable {
    package static let capacity = 16

    private var items = InlineArray<16, Int32>(repeating: -1)
    package private(set) var count = 0

    package init() {}

    package func contains(_ number: Int32) -> Bool {
        for index in 0..<count where items[index] == number { return true }
        return false
    }

    /// False: it is full, and the number is not in it.
    @discardableResult
    package mutating func insert(_ number: Int32) -> Bool {
        if contains(number) { return true }
        guard count < Self.capacity else { return false }
        items[count] = number
        count += 1
        return true
    }

    package mutating func removeAll() { count = 0 }
}
