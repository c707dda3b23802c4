internal import Catalog
internal import Logging
internal import Synchronization

/// What servers wrote is kept over a restart of the agent: in a file for each in the run directory, as long as it is
/// configured.
extension EngineKeeper {
    /// So often what is new is written down, in nanoseconds: so much an agent that crashes loses.
    static let savePeriod: UInt64 = 5_000_000_000
    /// A ring, and what its lines' ends and numbers take.
    private static let savedLimit = 2 * LogRing.capacity

    /// Writes down what is new. Blocks.
    func saveLogs() {
        let books = state.withLock { state in
            state.saved = Clocks.monotonic()
            return state.logs
        }
        for (url, book) in books {
            guard let bytes = book.save() else { continue }
            do throws(SystemError) {
                try File.replace(place.log(url), with: bytes, mode: 0o600)
            } catch {
                logger.warning("cannot keep what a server writes", metadata: ["endpoint": "\(url)", "reason": "\(error)"])
            }
        }
    }

    /// Takes up what an agent before this one wrote down.
    func loadLogs(_ state: inout State) {
        for url in state.specs.keys where state.logs[url] == nil {
            guard let bytes = try? File.read(place.log(url), limit: Self.savedLimit) else { continue }
            state.logs[url] = EngineLogBook(LogRing(saved: bytes))
        }
        place.removeLogs(except: Set(state.specs.keys))
    }
}
