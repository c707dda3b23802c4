import Glibc
import Synchronization
import Testing

@testable import Agent

/// A directory of the test's own; goes away with the object.
final class Scratch: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/mb-agent-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw SystemError("make", "a temporary directory") }
        path = String(cString: made)
    }

    deinit { Self.remove(path) }

    /// A file's or a directory's path in it.
    subscript(_ name: String) -> String { path + "/" + name }

    func write(_ text: String, to name: String) throws {
        try File.replace(self[name], with: Array(text.utf8), mode: 0o644)
    }

    private static func remove(_ path: String) {
        if unlink(path) == 0 || errno == ENOENT { return }
        guard let directory = opendir(path) else { return }
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name != ".", name != ".." { remove(path + "/" + name) }
        }
        closedir(directory)
        rmdir(path)
    }
}

/// Waits until the condition holds; false when it did not in time.
func eventually(within limit: Duration = .seconds(30), _ condition: () async throws -> Bool) async rethrows -> Bool {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
        if try await condition() { return true }
        try? await Task.sleep(for: .milliseconds(5))
    }
    return try await condition()
}

/// Notes how long the machine does not run a thread that is due: it sleeps for a moment again and again.
final class Stalls: Sendable {
    private let state = Mutex((largest: Duration.zero, isOver: false))

    init() throws {
        try BackgroundThread.start("stalls") { self.watch() }
    }

    /// Ends; by how much it was late at most.
    func end() -> Duration {
        state.withLock { state in
            state.isOver = true
            return state.largest
        }
    }

    private func watch() {
        let clock = ContinuousClock()
        while !state.withLock({ $0.isOver }) {
            let late = clock.measure { usleep(2000) } - .milliseconds(2)
            state.withLock { $0.largest = max($0.largest, late) }
        }
    }
}

/// Runs blocking calls on a thread of their own: on the pool's few threads they would hold up whom they wait for.
func blocking<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        do {
            try BackgroundThread.start("test") { continuation.resume(with: Swift.Result { try body() }) }
        } catch {
            continuation.resume(throwing: error)
        }
    }
}
