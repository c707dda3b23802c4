internal import Catalog
internal import Control

/// The last good one of each credential, and what is wrong with it now. Pure: time is nanoseconds of any steady clock.
struct CredentialBook: Sendable {
    typealias Value = CredentialSource.Value

    /// Something worth telling.
    struct Turn: Hashable, Sendable {
        let source: CredentialSource
        /// nil: it is well.
        let fault: String?
        let hasValue: Bool
    }

    private struct Held: Sendable {
        var value: Value?
        /// As it was told; nil: it is well.
        var fault: String?
        /// Seen once and not told yet: between two steps of a change nothing fits for a moment.
        var suspicion: String?
        var files: [FileState] = []
        /// When it is fetched next; only of what is fetched.
        var next: UInt64 = 0
        var failures = 0
        var isUnderWay = false
    }

    /// The first wait after a failure, doubled with each further one, and the longest.
    static let firstWait: UInt64 = 1_000_000_000
    static let longestWait: UInt64 = 60_000_000_000
    /// The longest while there is none, and nobody is let through.
    static let urgentWait: UInt64 = 4_000_000_000

    private var held: [CredentialSource: Held] = [:]
    private var random: SplitMix

    private let firstWait: UInt64

    init(seed: UInt64 = SystemRandomNumberGenerator.seed, firstWait: UInt64 = firstWait) {
        random = SplitMix(state: seed)
        self.firstWait = firstWait
    }

    var sources: [CredentialSource] { Array(held.keys) }

    func isNew(_ source: CredentialSource) -> Bool { held[source] == nil }

    /// nil: there has been none so far.
    func value(of source: CredentialSource) -> Value? { held[source]?.value }

    /// Forgets all others.
    mutating func keep(only sources: [CredentialSource]) {
        let wanted = Set(sources)
        held = held.filter { wanted.contains($0.key) }
    }

    /// What is in force for a catalogue.
    func credentials(for catalog: Catalog) -> Credentials {
        var credentials = Credentials()
        for source in catalog.credentialSources {
            switch held[source]?.value {
            case .keySet(let set): credentials.keySets.append(set)
            case .certificate(let certificate): credentials.certificates.append(certificate)
            case nil: break
            }
        }
        return credentials
    }

    /// What is wrong, one sentence each, sorted.
    var faults: [String] {
        held.compactMap { source, held in held.fault.map { "\(source.name): \($0)" } }.sorted()
    }

    /// Whether files are to be read again: they have changed since, or were no good.
    func isDue(_ source: CredentialSource, _ files: [FileState]) -> Bool {
        guard !source.files.isEmpty else { return false }
        guard let held = held[source] else { return true }
        return held.files != files || held.fault != nil || held.suspicion != nil
    }

    /// What is to be fetched now, each then to be taken in. No more than so many at a time.
    mutating func due(_ now: UInt64, atMost limit: Int) -> [CredentialSource] {
        var room = limit - held.values.count { $0.isUnderWay }
        var due: [CredentialSource] = []
        for (source, state) in held where source.isFetched && !state.isUnderWay && state.next <= now && room > 0 {
            room -= 1
            held[source]?.isUnderWay = true
            due.append(source)
        }
        return due
    }

    /// Takes in what came of reading or fetching.
    ///
    /// - Parameter files: of the files when they were read.
    /// - Returns: what is to be told; nil: nothing new.
    mutating func take(
        _ result: Result<Value?, CredentialFault>, of source: CredentialSource, files: [FileState] = [], now: UInt64
    ) -> Turn? {
        let isFirst = held[source] == nil
        var state = held[source] ?? Held()
        defer { held[source] = state }
        state.isUnderWay = false
        state.files = files
        switch result {
        case .success(nil):
            if isFirst { state.value = held.first { $0.key.isAsked(like: source) }?.value.value }
            return nil
        case .success(let value):
            let isTold = state.fault != nil || state.value != nil && state.value != value
            state.value = value
            (state.fault, state.suspicion, state.failures) = (nil, nil, 0)
            state.next = now + jittered(source.period)
            return isTold ? Turn(source: source, fault: nil, hasValue: true) : nil
        case .failure(let fault):
            state.failures += 1
            let longest = state.value == nil ? Self.urgentWait : Self.longestWait
            let doubled = min(firstWait << UInt64(min(state.failures - 1, 20)), longest)
            state.next = now + jittered(min(doubled, max(source.period, firstWait)))
            // What was well a second ago may be in the middle of being replaced.
            let isSure = isFirst || source.isFetched || state.fault != nil || state.suspicion == fault.description
            state.suspicion = fault.description
            guard isSure, state.fault != fault.description else { return nil }
            state.fault = fault.description
            return Turn(source: source, fault: fault.description, hasValue: state.value != nil)
        }
    }

    /// A tenth more or less, so that many nodes do not ask at once.
    private mutating func jittered(_ period: UInt64) -> UInt64 { period - period / 10 + random.next() % max(1, period / 5) }
}

extension CredentialSource {
    var isFetched: Bool {
        if case .keys(_, _, .url) = self { return true }
        return false
    }

    /// Whether the same is fetched from the same place, though maybe not as often.
    fileprivate func isAsked(like other: CredentialSource) -> Bool {
        guard case .keys(let issuer, let algorithms, .url(let url, _, let caFile)) = self,
            case .keys(issuer, algorithms, .url(url, _, caFile)) = other
        else { return false }
        return true
    }

    /// Nanoseconds between two fetches.
    fileprivate var period: UInt64 {
        guard case .keys(_, _, .url(_, let refresh, _)) = self else { return 0 }
        return UInt64(max(1, refresh)) * 1_000_000_000
    }
}
