internal import ServiceLifecycle
private import UnixSignals

/// What comes round by itself: the ends of event storms, names asked for again, work left undone; and SIGHUP.
struct Housekeeping: Service {
    private static let retrySeconds = 3

    let broker: Broker
    let hub: EventHub
    let standings: Standings

    func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await tick() }
            group.addTask {
                for await _ in await UnixSignalsSequence(trapping: .sighup) { _ = await broker.reload() }
            }
            try? await gracefulShutdown()
            group.cancelAll()
        }
    }

    private func tick() async {
        for second in 1... {
            do { try await Task.sleep(for: .seconds(1)) } catch { return }
            hub.sweep()
            standings.tick()
            broker.submit(.entries)
            if second % Self.retrySeconds == 0 { broker.submit(.retry) }
            broker.submit(.names)
        }
    }
}
