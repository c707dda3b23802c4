/// Coarse timers for many connections (Varghese and Lauck 1987, scheme 6): a ring of lists, one tick apart. A connection
/// stands in the wheel at most once; a deadline that moves on is noticed when the old one fires, so the path of an event
/// never touches the wheel.
package struct TimerWheel: Sendable {
    /// Nanoseconds between two ticks: how late a timer may be.
    package static let tick: UInt64 = 5_000_000
    private static let slots = 1024

    package struct Entry: Sendable {
        package let token: UInt64
        package let deadline: UInt64
    }

    private var ring = [[Entry]](repeating: [], count: slots)
    private var tickDone: UInt64
    /// No entry is due before this tick: kept so that a wait does not have to search the ring.
    private var nextDue: UInt64 = 0
    package private(set) var count = 0

    package init(now: UInt64) {
        tickDone = now / Self.tick
    }

    /// Puts `token` in, to come out once `deadline` has passed.
    package mutating func add(_ token: UInt64, deadline: UInt64) {
        let due = max((deadline + Self.tick - 1) / Self.tick, tickDone + 1)
        ring[Int(due % UInt64(Self.slots))].append(Entry(token: token, deadline: deadline))
        nextDue = count == 0 ? due : min(nextDue, due)
        count += 1
    }

    /// Takes out all whose deadline has passed and appends them to `entries`.
    package mutating func expire(now: UInt64, into entries: inout [Entry]) {
        let current = now / Self.tick
        guard current > tickDone else { return }
        // After a long wait one turn of the ring sees every entry.
        let first = max(tickDone + 1, current >= UInt64(Self.slots) ? current - UInt64(Self.slots) + 1 : 0)
        tickDone = current
        guard count > 0 else { return }
        var tick = first
        while tick <= current {
            expire(slot: Int(tick % UInt64(Self.slots)), now: now, into: &entries)
            tick += 1
        }
        if count > 0, nextDue <= current { nextDue = firstOccupied() }
    }

    /// The next tick whose slot holds an entry, of this turn of the ring or a later one.
    private func firstOccupied() -> UInt64 {
        var tick = tickDone + 1
        let end = tickDone + UInt64(Self.slots)
        while tick < end, ring[Int(tick % UInt64(Self.slots))].isEmpty { tick += 1 }
        return tick
    }

    private mutating func expire(slot: Int, now: UInt64, into entries: inout [Entry]) {
        var index = 0
        while index < ring[slot].count {
            let entry = ring[slot][index]
            guard entry.deadline <= now else {
                index += 1
                continue
            }
            entries.append(entry)
            ring[slot].swapAt(index, ring[slot].count - 1)
            ring[slot].removeLast()
            count -= 1
        }
    }

    /// Milliseconds until the next tick that may have something to expire; -1 when the wheel is empty.
    package func waitMilliseconds(now: UInt64) -> Int32 {
        guard count > 0 else { return -1 }
        let due = nextDue * Self.tick
        return due <= now ? 0 : Int32(min((due - now + 999_999) / 1_000_000, 1000))
    }
}
