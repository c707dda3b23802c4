import NIOCore
import Synchronization

/// Places at which requests are served: so many at once, and the others wait inside the engine in the order in which they came.
final class Slots: Sendable {
    /// A request's claim to a place.
    struct Claim {
        var number: Int
        /// Succeeds when it has one; fails when it is given back before that.
        var granted: EventLoopFuture<Void>
    }

    struct Figures: Sendable {
        /// nil: any number.
        var limit: Int?
        var running: Int
        var waiting: Int
        /// The most that were served at once.
        var most: Int
    }

    struct GivenBack: Error {}

    private struct State {
        var limit: Int?
        var last = 0
        var running: Set<Int> = []
        var most = 0
        /// Numbers in order, also of those that left; who still waits has a promise.
        var line: [Int] = []
        var first = 0
        var promises: [Int: EventLoopPromise<Void>] = [:]

        var hasRoom: Bool { limit.map { running.count < $0 } ?? true }

        mutating func enter(_ number: Int) {
            running.insert(number)
            most = max(most, running.count)
        }

        /// Those whose turn it is now.
        mutating func admit() -> [EventLoopPromise<Void>] {
            var admitted: [EventLoopPromise<Void>] = []
            while hasRoom, first < line.count {
                let number = line[first]
                first += 1
                guard let promise = promises.removeValue(forKey: number) else { continue }
                enter(number)
                admitted.append(promise)
            }
            if first > 1024 {
                line.removeFirst(first)
                first = 0
            }
            return admitted
        }
    }

    private let state: Mutex<State>

    init(limit: Int?) { state = Mutex(State(limit: limit)) }

    var figures: Figures {
        state.withLock { state in
            Figures(limit: state.limit, running: state.running.count, waiting: state.promises.count, most: state.most)
        }
    }

    func take(on loop: any EventLoop) -> Claim {
        let promise = loop.makePromise(of: Void.self)
        let (number, isGranted) = state.withLock { state in
            state.last += 1
            let isGranted = state.promises.isEmpty && state.hasRoom
            if isGranted {
                state.enter(state.last)
            } else {
                state.line.append(state.last)
                state.promises[state.last] = promise
            }
            return (state.last, isGranted)
        }
        if isGranted { promise.succeed() }
        return Claim(number: number, granted: promise.futureResult)
    }

    /// Its request has ended, or its client has gone.
    func giveBack(_ number: Int) {
        let (left, admitted) = state.withLock { state in
            state.running.remove(number)
            return (state.promises.removeValue(forKey: number), state.admit())
        }
        left?.fail(GivenBack())
        Self.tell(admitted)
    }

    /// nil: any number. Those that are being served beyond a lower one go on.
    func set(limit: Int?) {
        let admitted = state.withLock { state in
            state.limit = limit
            return state.admit()
        }
        Self.tell(admitted)
    }

    /// Not from within: an answer that takes no time gives its place back at once, to the next one, and so on.
    private static func tell(_ admitted: [EventLoopPromise<Void>]) {
        for promise in admitted { promise.futureResult.eventLoop.execute { promise.succeed() } }
    }

    func forgetMost() { state.withLock { $0.most = $0.running.count } }
}
