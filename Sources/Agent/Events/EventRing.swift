internal import Control

/// The newest events, at most `capacity` of them.
struct EventRing: Sendable {
    let capacity: Int
    private var slots: [EventReport] = []
    private var oldest = 0

    init(capacity: Int) { self.capacity = capacity }

    mutating func append(_ event: EventReport) {
        if slots.count < capacity {
            slots.append(event)
        } else {
            slots[oldest] = event
            oldest = (oldest + 1) % capacity
        }
    }

    /// The newest `count`, oldest first.
    func last(_ count: Int) -> [EventReport] {
        let ordered = slots[oldest...] + slots[..<oldest]
        return Array(ordered.suffix(max(0, count)))
    }
}
