import Glibc
import Synchronization

/// Words that any thread may read and change, all 0 at first.
///
/// Sendable because the pointer never changes, every access to the memory behind it is an atomic one, and it is freed only in
/// `deallocate`, which the one owner calls when nobody can reach it any more. The memory comes zeroed from the system, page by
/// page as it is used; zero bytes are an `Atomic` of 0, which has the layout of the word it holds and nothing beside it.
struct AtomicWords: @unchecked Sendable {
    private let words: UnsafeMutablePointer<Atomic<UInt64>>
    let count: Int

    /// - Parameter count: above 0.
    init(count: Int) {
        guard let memory = calloc(count, MemoryLayout<Atomic<UInt64>>.stride) else { fatalError("no memory for routing") }
        words = memory.bindMemory(to: Atomic<UInt64>.self, capacity: count)
        self.count = count
    }

    func deallocate() { free(words) }

    func load(_ index: Int) -> UInt64 {
        precondition(index >= 0 && index < count)
        return words[index].load(ordering: .relaxed)
    }

    func store(_ index: Int, _ value: UInt64) {
        precondition(index >= 0 && index < count)
        words[index].store(value, ordering: .relaxed)
    }

    /// The word as it was before.
    @discardableResult
    func add(_ index: Int, _ value: UInt64) -> UInt64 {
        precondition(index >= 0 && index < count)
        return words[index].wrappingAdd(value, ordering: .relaxed).oldValue
    }

    // MARK: - In one order with all others of these, for those who decide by one word whether they may rest on another

    func loadInOrder(_ index: Int) -> UInt64 {
        precondition(index >= 0 && index < count)
        return words[index].load(ordering: .sequentiallyConsistent)
    }

    func storeInOrder(_ index: Int, _ value: UInt64) {
        precondition(index >= 0 && index < count)
        words[index].store(value, ordering: .sequentiallyConsistent)
    }

    func addInOrder(_ index: Int, _ value: UInt64) {
        precondition(index >= 0 && index < count)
        words[index].wrappingAdd(value, ordering: .sequentiallyConsistent)
    }

    /// Adds 1 where that does not bring the word above `limit`, 0: there is none; what it was before, nil: it stayed.
    func take(_ index: Int, limit: UInt64) -> UInt64? {
        precondition(index >= 0 && index < count)
        if limit == 0 { return words[index].wrappingAdd(1, ordering: .sequentiallyConsistent).oldValue }
        var value = words[index].load(ordering: .sequentiallyConsistent)
        while value < limit {
            let (isDone, found) = words[index].compareExchange(
                expected: value, desired: value + 1, ordering: .sequentiallyConsistent)
            if isDone { return value }
            value = found
        }
        return nil
    }

    /// Whether the word was `expected`, and so is `desired` now.
    func exchange(_ index: Int, _ expected: UInt64, _ desired: UInt64) -> Bool {
        precondition(index >= 0 && index < count)
        return words[index].compareExchange(expected: expected, desired: desired, ordering: .relaxed).exchanged
    }
}
