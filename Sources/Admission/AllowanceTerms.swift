internal import Catalog

/// Why the limits of a configuration can't be put in force.
package enum AllowanceFault: Error, Hashable, CustomStringConvertible {
    /// `limits` counted limits of the one whose account this is are more than one request can be charged to.
    case tooManyLimits(String, Int)
    /// The same limit is set twice.
    case repeated(String)
    /// There are slots for another number of accounts.
    case slotCount(given: Int, needed: Int)
    /// The page does not have the account in the slot that was given for it.
    case noAccount(String, slot: UInt32)
    /// More quotas and limits on requests under way than this process can count.
    case tooManyCounts(Int)

    package var description: String {
        switch self {
        case .tooManyLimits(let name, let count): "\(name) has \(count) limits; \(AllowanceTable.limitsPerSubject) are counted"
        case .repeated(let name): "the limit \(name) is set twice"
        case .slotCount(let given, let needed): "there are \(needed) accounts, and slots for \(given)"
        case .noAccount(let name, let slot): "slot \(slot) of the accounts is not that of \(name)"
        case .tooManyCounts(let count): "there are \(count) quotas and limits on requests under way; too many to count"
        }
    }
}

/// What a request may be at most, by the allowances that apply to it; nil: anything.
struct SizeTerms: Hashable, Sendable {
    var bytes: UInt64?
    var tokens: UInt64?

    init(_ allowance: Allowance?) {
        bytes = allowance?.requestBytes
        tokens = allowance?.tokensPerRequest
    }

    func fault(_ demand: Demand) -> RequestFault? {
        if let bytes, demand.size > bytes { return .bodyTooLarge(bytes) }
        if let tokens, demand.isInference, demand.tokens > tokens { return .tokensPerRequest(tokens) }
        return nil
    }
}

/// What each session of a client, or each address that it calls from, may use.
struct SessionTerms: Sendable {
    /// By `SessionMeasure`.
    var limits: InlineArray<4, Limit?>
    var concurrent: UInt64
    var lifetime: UInt64?
    var sizes: SizeTerms

    /// nil: whatever it likes.
    init?(_ allowance: Allowance?, lifetime: UInt64? = nil) {
        guard let allowance, !allowance.isEmpty || lifetime != nil else { return nil }
        limits = [
            Limit(.requests, of: allowance), Limit(.tokens, of: allowance), Limit(.inputTokens, of: allowance),
            Limit(.outputTokens, of: allowance),
        ]
        concurrent = allowance.concurrent ?? .max
        self.lifetime = lifetime
        sizes = SizeTerms(allowance)
    }

    var countsTokens: Bool { limits[1] != nil || limits[2] != nil || limits[3] != nil }
}

/// What applies to all requests of one client, for one model, or of the one for the other.
struct SubjectTerms: Sendable {
    /// In the table's charges.
    var charges: Range<Int>
    var sizes: SizeTerms
    /// Tokens are limited, or cost something that is.
    var countsTokens: Bool
    /// A quota is kept, so that what is used has to be written down.
    var hasQuota: Bool

    static let none = SubjectTerms(charges: 0..<0, sizes: SizeTerms(nil), countsTokens: false, hasQuota: false)

    var isEmpty: Bool { charges.isEmpty && sizes == SizeTerms(nil) }
}

struct ModelTerms: Sendable {
    var terms: SubjectTerms
    var price: Price?
    var contextLength: UInt64?

    /// What surely does not fit: the answer allowed, and a token for each eight bytes of the request.
    func contextFault(_ demand: Demand) -> RequestFault? {
        guard let contextLength, demand.isInference else { return nil }
        let answer = demand.statesAnswer ? demand.answer : 0
        return Demand.sum(answer, demand.size / 8) > contextLength ? .contextTooLong(contextLength) : nil
    }
}

struct ClientTerms: Sendable {
    var terms: SubjectTerms
    /// Sorted by model.
    var pairs: [(model: Int, terms: SubjectTerms)] = []
    var session: SessionTerms?
    var sessionKey: SessionPolicy.Key?
    var address: SessionTerms?
    /// Of the name, which stays when the client's number changes.
    var hash: UInt64

    /// What the client may use of one model.
    func pair(_ model: Int) -> SubjectTerms? {
        guard !pairs.isEmpty else { return nil }
        var (low, high) = (0, pairs.count)
        while low < high {
            let middle = (low + high) / 2
            if pairs[middle].model < model { low = middle + 1 } else { high = middle }
        }
        return low < pairs.count && pairs[low].model == model ? pairs[low].terms : nil
    }
}
