import FoundationEssentials
import Synchronization

/// What an answer costs its model's callers.
struct Bill: Sendable {
    var model: String
    var promptTokens: Int
    var completionTokens: Int
    /// Of a stream: how many of its first parts carry one token each.
    var tokenParts = 0

    /// What is billed when only the first parts of the answer were written; nil: nothing.
    func cut(afterParts parts: Int) -> Bill? {
        guard tokenParts > 0, parts > 0 else { return nil }
        var part = self
        part.completionTokens = min(parts, tokenParts)
        return part
    }
}

/// The engine's own books, for `GET /debug/usage`: of answers that were written to their end all of it, of streams that were
/// cut short the prompt and the tokens written until then, of refused requests nothing.
final class UsageLedger: Sendable {
    private struct Account: Encodable {
        var promptTokens = 0
        var completionTokens = 0
        /// Answers written as a whole, and streams cut short.
        var answers = 0
        var aborted = 0

        private enum CodingKeys: String, CodingKey {
            case promptTokens = "prompt_tokens"
            case completionTokens = "completion_tokens"
            case answers, aborted
        }
    }

    private struct Report: Encodable {
        var engine: String
        var models: [String: Account]
    }

    private let accounts = Mutex([String: Account]())

    func charge(_ bill: Bill, isWhole: Bool) {
        accounts.withLock { accounts in
            var account = accounts[bill.model] ?? Account()
            account.promptTokens += bill.promptTokens
            account.completionTokens += bill.completionTokens
            account.answers += isWhole ? 1 : 0
            account.aborted += isWhole ? 0 : 1
            accounts[bill.model] = account
        }
    }

    func reset() { accounts.withLock { $0 = [:] } }

    /// All accounts, as JSON.
    func report(engine: String) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let report = Report(engine: engine, models: accounts.withLock { $0 })
        guard let data = try? encoder.encode(report) else { return "{}" }
        return String(decoding: data, as: UTF8.self)
    }
}
