private import Glibc

/// A thread of the agent's own, for calls that block.
enum BackgroundThread {
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Runs the body on a new thread.
    ///
    /// - Parameter name: what the thread does, for the error.
    static func start(_ name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
        var thread = pthread_t()
        let box = Unmanaged.passRetained(Body(body))
        let result = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, box.toOpaque())
        guard result == 0 else {
            box.release()
            throw SystemError("start the thread", name, code: result)
        }
        pthread_detach(thread)
    }

    /// Runs what blocks on a new thread and waits for it: the pool of threads that asynchronous functions share has one for
    /// each processor, and whoever blocks there holds up all others. Where no thread can be had it is done right here.
    static func run<Value: Sendable, Failure: Error>(
        _ name: String, _ body: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let result: Result<Value, Failure> = await withCheckedContinuation { continuation in
            do throws(SystemError) {
                try start(name) { continuation.resume(returning: Result { () throws(Failure) in try body() }) }
            } catch {
                continuation.resume(returning: Result { () throws(Failure) in try body() })
            }
        }
        return try result.get()
    }
}
