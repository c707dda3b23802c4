import Control
import Flow
import Reactor
import Routing

/// Requests that stand in line.
extension Worker {
    /// How often to look for tickets that nobody answers for, in nanoseconds.
    private static let queueInterval: UInt64 = 1_000_000_000

    /// Tells the flow what became of its ticket. One that is gone, or has another by now, gives its slot back.
    func call(_ slot: Int, _ call: RoomCall) {
        guard let connection = connections[Token(.client, slot: slot)], !connection.isGone else {
            if case .granted(let grant) = call { context.room.giveBack(grant, now: context.now) }
            return
        }
        connection.flow.called(call, &context, &out)
        execute(connection, received: nil)
    }

    /// Has all that wait see whether something else can have them now.
    func lookAtQueue() {
        looksAtQueue = false
        guard context.room.isBusy else { return }
        connections.forEach { connection in
            guard connection.flow.isQueued, connection.ending == .none else { return }
            connection.flow.lookAgain(&context, &out)
            execute(connection, received: nil)
        }
    }

    /// Begins to look for lost tickets; called when there may be any.
    func watchQueue() {
        guard !isWatchingQueue, context.room.isBusy else { return }
        isWatchingQueue = true
        wheel.add(Self.queueToken.raw, deadline: context.now + Self.queueInterval)
    }

    func sweepQueue() {
        isWatchingQueue = false
        context.room.sweep(now: context.now)
    }

    /// Tells the agent of servers that do not run and are waited for.
    func tellWanted() {
        let due = context.room.wanted(context.wanted, now: context.now)
        context.wanted.removeAll(keepingCapacity: true)
        guard !due.isEmpty else { return }
        var keys: [EndpointKey] = []
        for index in 0..<context.routes.targetCount {
            let target = context.routes.target(index)
            let key = EndpointKey(url: target.url, address: target.address)
            if due.contains(target.number), !keys.contains(key) { keys.append(key) }
        }
        if !keys.isEmpty { outbox.send(.wanted(keys)) }
    }
}
