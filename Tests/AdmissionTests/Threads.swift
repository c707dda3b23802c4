import Glibc
import Synchronization

/// Real threads: tasks share so few that one that spins keeps the others from running.
enum Threads {
    private final class Start: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    private final class Results<Value: Sendable>: Sendable {
        let values = Mutex<[Value]>([])
    }

    /// Runs all at once and waits for them; results in no order.
    static func together<Value: Sendable>(_ bodies: [@Sendable () -> Value]) -> [Value] {
        let results = Results<Value>()
        let threads = bodies.compactMap { body in
            start {
                let value = body()
                results.values.withLock { $0.append(value) }
            }
        }
        for thread in threads { pthread_join(thread, nil) }
        return results.values.withLock { $0 }
    }

    private static func start(_ body: @escaping @Sendable () -> Void) -> pthread_t? {
        let start = Unmanaged.passRetained(Start(body))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().body()
                return nil
            }, start.toOpaque())
        guard code == 0 else {
            start.release()
            return nil
        }
        return thread
    }
}
