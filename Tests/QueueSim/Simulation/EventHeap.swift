/// What happens next, the earliest first; at one time in the order in which it was planned.
struct EventHeap<Event: Sendable>: Sendable {
    private struct Item {
        var time: UInt64
        var order: UInt64
        var event: Event
    }

    private var items: [Item] = []
    private var order: UInt64 = 0

    mutating func plan(_ event: Event, at time: UInt64) {
        order += 1
        items.append(Item(time: time, order: order, event: event))
        var child = items.count - 1
        while child > 0, isBefore(child, (child - 1) / 2) {
            items.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func next() -> (time: UInt64, event: Event)? {
        guard let first = items.first, let last = items.popLast() else { return nil }
        guard !items.isEmpty else { return (first.time, first.event) }
        items[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in (parent * 2 + 1)..<(parent * 2 + 3) where child < items.count && isBefore(child, least) {
                least = child
            }
            guard least != parent else { break }
            items.swapAt(parent, least)
            parent = least
        }
        return (first.time, first.event)
    }

    private func isBefore(_ one: Int, _ other: Int) -> Bool {
        (items[one].time, items[one].order) < (items[other].time, items[other].order)
    }
}
