internal import CBrokerABI
internal import Synchronization

/// What this process's requests under way hold: how many they are, and what of the quotas is reserved for them. It lives as
/// long as the process, across configurations: a count goes by its name.
///
/// Each count is one word, of which the upper 16 bits change with every change: whoever looks at it, then at what is used,
/// and then swaps it has seen both as they were at one time.
package final class HeldCounts: Sendable {
    /// One cache line each, so that event loops do not hinder each other.
    private static let stride = 64
    private static let most: UInt64 = 1 << 48 - 1

    private struct Names {
        var indices: [String: Int] = [:]
        /// Leases of each.
        var leases: [Int: Int] = [:]
        var free: [Int] = []
        var next = 0
    }

    private let memory: ZeroedMemory
    private let names = Mutex(Names())
    /// Counts that there may be at once.
    package let count: Int

    package init(count: Int = 1 << 17) {
        self.count = count
        memory = ZeroedMemory(size: max(1, count) * Self.stride)
    }

    /// The counts with these names, each once; nil: there are not so many.
    func lease(_ wanted: [String]) -> HeldLease? {
        names.withLock { names in
            var fresh: Set<String> = []
            for name in wanted where names.indices[name] == nil { fresh.insert(name) }
            guard fresh.count <= count - names.indices.count else { return nil }
            let indices = wanted.map { name in
                if let index = names.indices[name] { return index }
                let index = names.free.popLast() ?? names.next
                if index == names.next { names.next += 1 }
                names.indices[name] = index
                return index
            }
            for index in indices { names.leases[index, default: 0] += 1 }
            return HeldLease(self, indices, wanted)
        }
    }

    /// Nobody holds anything in these any more: whoever does has the lease.
    fileprivate func end(_ lease: HeldLease) {
        names.withLock { names in
            for (name, index) in zip(lease.names, lease.indices) {
                names.leases[index, default: 1] -= 1
                guard names.leases[index] == 0 else { continue }
                names.leases[index] = nil
                names.indices[name] = nil
                names.free.append(index)
                mb_word_store(word(index), 0)
            }
        }
    }

    /// Nothing is held: every request has been settled.
    package var isEmpty: Bool {
        let used = names.withLock { $0.next }
        return (0..<used).allSatisfy { held($0) == 0 }
    }

    private func word(_ index: Int) -> UnsafeMutablePointer<UInt64> {
        (memory.start + index * Self.stride).assumingMemoryBound(to: UInt64.self)
    }

    /// What is held in a count.
    func held(_ index: Int) -> UInt64 { mb_word_load(word(index)) & Self.most }

    /// Holds `count` more if that and what is held already come to no more than `room` allows, which is asked anew whenever
    /// something has changed.
    @inline(__always) func hold(_ count: UInt64, _ index: Int, room: () -> UInt64) -> Bool {
        let word = word(index)
        while true {
            let old = mb_word_load(word)
            let held = old & Self.most
            let room = min(room(), Self.most)
            guard held <= room, count <= room - held else { return false }
            if mb_word_swap(word, old, Self.next(old, held + count)) != 0 { return true }
        }
    }

    /// Holds `count` more whatever there is.
    func hold(_ count: UInt64, _ index: Int) {
        let word = word(index)
        while true {
            let old = mb_word_load(word)
            let held = old & Self.most
            if mb_word_swap(word, old, Self.next(old, held + min(count, Self.most - held))) != 0 { return }
        }
    }

    /// Lets go of what was held; never below zero.
    func release(_ count: UInt64, _ index: Int) {
        let word = word(index)
        while true {
            let old = mb_word_load(word)
            let held = old & Self.most
            if mb_word_swap(word, old, Self.next(old, held - min(count, held))) != 0 { return }
        }
    }

    private static func next(_ old: UInt64, _ held: UInt64) -> UInt64 { (old & ~most) &+ (most + 1) | held }
}

/// Counts in use by a configuration and by the requests that it let through: theirs as long as anybody has this.
final class HeldLease: Sendable {
    /// In the order of the names asked for.
    let indices: [Int]
    fileprivate let names: [String]
    private let counts: HeldCounts

    fileprivate init(_ counts: HeldCounts, _ indices: [Int], _ names: [String]) {
        self.counts = counts
        self.indices = indices
        self.names = names
    }

    deinit { counts.end(self) }
}
