internal import Catalog
private import Synchronization

/// Asks for addresses while nothing else runs yet: connects on the path direct should find the endpoints that they had
/// before the agent was restarted.
enum HurriedLookup {
    /// Looked up at a time; more names wait until the agent runs.
    private static let width = 16
    /// Nanoseconds.
    private static let limit: UInt64 = 1_500_000_000

    /// What is known in time. Look-ups that take longer are left to themselves.
    static func run(
        _ names: [String], lookup: @escaping @Sendable (String) -> ResolvedNames.Answer = NameResolver.addresses
    ) -> ResolvedNames {
        let answers = Answers()
        let deadline = Clocks.monotonic() + limit
        let asked = Array(names.prefix(width))
        let done = Countdown(asked.count)
        for (index, name) in asked.enumerated() {
            do {
                try BackgroundThread.start("name look-up") {
                    answers.take(lookup(name), for: name)
                    done.signal()
                }
            } catch {
                // They are asked for again when the agent runs.
                for _ in asked[index...] { done.signal() }
                break
            }
        }
        _ = done.wait(until: deadline)
        return answers.names
    }

    private final class Answers: Sendable {
        private let state = Mutex(ResolvedNames())

        var names: ResolvedNames { state.withLock { $0 } }

        func take(_ answer: ResolvedNames.Answer, for name: String) { state.withLock { _ = $0.take(answer, for: name) } }
    }
}

extension Catalog {
    /// Models that connect() itself finds endpoints for.
    var directModels: [Model] {
        let names = Set(rules.filter { $0.path == .direct }.compactMap(\.model))
        return models.filter { names.contains($0.name) }
    }

    /// Host names of endpoints on the path direct.
    var directNames: [String] { Catalog(models: directModels).endpointNames }
}
