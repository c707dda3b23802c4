package import Admission

/// An engine that serves so many requests at once and lets the rest wait inside, behind a broker that keeps as many under way
/// as the limit allows.
package struct MockServer: Sendable {
    package enum Service: Sendable {
        /// Nanoseconds.
        case fixed(Double)
        /// Between these, at random.
        case uniform(ClosedRange<Double>)
        /// The first, plus an exponential time.
        case exponential(Double, Double)

        func draw(_ random: inout SimRandom) -> Double {
            switch self {
            case .fixed(let time): time
            case .uniform(let range): range.lowerBound + random.unit() * (range.upperBound - range.lowerBound)
            case .exponential(let least, let mean): least + random.exponential(mean)
            }
        }
    }

    package var capacity: Int
    package var service: Service
    /// What comes per second; nil: always somebody more.
    package var offered: Double?
    /// Beyond so many it refuses at once; nil: never.
    package var refusesBeyond: Int?

    private enum Event: Sendable { case arrival, done(begun: UInt64), batch }

    private var random: SimRandom
    private var events = EventHeap<Event>()
    private var inside: [UInt64] = []
    private var insideHead = 0
    private var serving = 0
    private var outside = 0
    private var inFlight: Int { serving + inside.count - insideHead }
    private var isOpen = false
    private var batch = LatencyBatch()
    private var most = 0
    package private(set) var now: UInt64 = 0

    package init(capacity: Int, service: Service, offered: Double? = nil, seed: UInt64 = 1) {
        self.capacity = capacity
        self.service = service
        self.offered = offered
        random = SimRandom(seed: seed)
    }

    /// Goes on for some nanoseconds, with a controller that is given what ended each 100 ms.
    ///
    /// - Returns: the limit that it had found at each of these times.
    package mutating func run(_ time: UInt64, _ controller: inout LimitController) -> [UInt32] {
        let end = now + time
        var found: [UInt32] = []
        if !isOpen {
            isOpen = true
            events.plan(.batch, at: now + 100_000_000)
            planArrival()
        }
        admit(controller.limit)
        while let (at, event) = events.next() {
            now = at
            switch event {
            case .arrival:
                outside += 1
                planArrival()
            case .done(let begun): finish(begun)
            case .batch:
                batch.mostInFlight = UInt32(most)
                controller.take(batch, now: now)
                found.append(controller.found)
                (batch, most) = (LatencyBatch(), inFlight)
                events.plan(.batch, at: now + 100_000_000)
            }
            admit(controller.limit)
            if now >= end { break }
        }
        return found
    }

    private mutating func planArrival() {
        guard let offered else { return }
        events.plan(.arrival, at: now + UInt64(random.exponential(1e9 / offered)))
    }

    private mutating func finish(_ begun: UInt64) {
        serving -= 1
        batch.count += 1
        batch.sum += now - begun
        batch.least = min(batch.least, now - begun)
        serve()
    }

    private mutating func admit(_ limit: UInt32) {
        var refused = 0
        while inFlight < Int(limit), offered == nil || outside > 0 {
            if let refusesBeyond, inFlight >= refusesBeyond {
                batch.failures += 1
                refused += 1
                if offered != nil { outside -= 1 }
                if refused > 4 { break }
                continue
            }
            if offered != nil { outside -= 1 }
            inside.append(now)
            serve()
        }
        most = max(most, inFlight)
    }

    private mutating func serve() {
        while serving < capacity, insideHead < inside.count {
            let begun = inside[insideHead]
            insideHead += 1
            serving += 1
            events.plan(.done(begun: begun), at: now + UInt64(service.draw(&random)))
        }
        if insideHead > 4096 {
            inside.removeFirst(insideHead)
            insideHead = 0
        }
    }
}
