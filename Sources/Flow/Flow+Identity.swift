import Catalog
import Control
import HTTPWire
package import Identity
import Routing
import Telemetry

/// Who sends a request.
extension Flow {
    /// Bytes of a token that is looked at; a longer one is none.
    private static let longestToken = 8 << 10
    /// Tokens of one event loop that wait for their check.
    private static let checkLimit = 256
    /// Nanoseconds that a check may take.
    private static let checkTime: UInt64 = 5_000_000_000

    /// The TLS connection that this one is within was made with a certificate, which was verified.
    package mutating func presented(_ certificate: CertificateFacts) {
        caller.certificate.set(certificate)
        standing.version = -1
    }

    /// Asks who sends the request under way, once. False: it was refused, or its token has to be checked first.
    mutating func identify(_ context: inout FlowContext, _ out: inout FlowOutput) -> Bool {
        if identity.isKnown {
            if identity.version == context.routesVersion { return true }
            forgetIdentity()
        }
        if standing.version != context.routesVersion { takeStanding(context) }
        if context.directory.isOpen {
            let proof: Proof = standing.workload >= 0 ? .workload : .none
            admit(standing.workload, proof, &context)
            return true
        }
        guard let question = question(&context, &out) else { return false }
        switch context.directory.answer(question) {
        case .open: admit(-1, .none, &context)
        case .client(let number, let proof): admit(Int32(truncatingIfNeeded: number), proof, &context)
        case .conflict(let first, let second):
            context.ledger.totals.identityConflicts += 1
            let (one, other) = (context.directory.name(first), context.directory.name(second))
            forgetModel()
            refuse(.identityConflict(one, other), &context, &out)
            return false
        case .refused(let fault):
            context.ledger.totals.unauthenticated += 1
            forgetModel()
            refuse(.unauthenticated(fault), &context, &out)
            return false
        }
        return true
    }

    /// It was asked under a catalogue that is gone, by whose numbers it may be somebody else now: it is asked again.
    private mutating func forgetIdentity() {
        identity.isKnown = false
        identity.token = nil
        identity.proof = .none
        client = caller.client
    }

    /// The model that the connection's last request was for is none of this one's.
    private mutating func forgetModel() {
        model = hasName ? givenName : ""
        lastRow = -1
    }

    /// Looks up what holds for all requests of the connection.
    mutating func takeStanding(_ context: FlowContext) {
        standing.version = context.routesVersion
        standing.workload = caller.client.isEmpty ? -1 : Self.number(context.directory.number(of: caller.client))
        let certificate = caller.certificate.value.flatMap { context.directory.client(of: $0) }
        standing.certificate = Self.number(certificate)
    }

    private static func number(_ client: Int?) -> Int32 { client.map { Int32(truncatingIfNeeded: $0) } ?? -1 }

    private mutating func admit(_ number: Int32, _ proof: Proof, _ context: inout FlowContext) {
        identity.client = number
        identity.proof = proof
        if proof != .key, !record.key.isEmpty { record.key = "" }
        identity.isKnown = true
        identity.version = context.routesVersion
        if number >= 0 { client = context.directory.name(Int(number)) }
        countClient(number >= 0 ? Int32(truncatingIfNeeded: context.ledger.row(ofClient: Int(number))) : -1, &context)
    }

    /// Counts the request under way for its client, once, also where it is asked twice who that is.
    private mutating func countClient(_ row: Int32, _ context: inout FlowContext) {
        guard row != record.clientRow else { return }
        if record.clientRow >= 0 { context.ledger[client: record.clientRow].active -= 1 }
        record.clientRow = row
        guard row >= 0 else { return }
        context.ledger[client: record.clientRow].requests += 1
        context.ledger[client: record.clientRow].active += 1
    }

    // MARK: - Credentials

    /// What is known of the caller; nil: its token has to be checked first, or can't be.
    private mutating func question(_ context: inout FlowContext, _ out: inout FlowOutput) -> IdentityQuestion? {
        var question = IdentityQuestion(isCaptured: caller.entrance == .capture)
        question.onConflict = caller.onConflict
        if standing.workload >= 0 { question.workload = Int(standing.workload) }
        if standing.certificate >= 0 { question.certificate = Int(standing.certificate) }
        guard !request.credentials.isEmpty else { return question }
        var credential: Piece?
        question.hasDifferentCredentials = request.credentials.isOverfull
        let held = inbox
        for index in 0..<request.credentials.count {
            let line = request.credentials[index]
            switch line.kind {
            case .empty: break
            case .other: question.hasUnknownCredential = true
            case .key:
                if let credential {
                    let (one, other) = (held.span.extracting(credential.range), held.span.extracting(line.value.range))
                    if !KeyDigest.isEqual(one, other) { question.hasDifferentCredentials = true }
                }
                credential = line.value
            }
        }
        guard let credential, !question.hasDifferentCredentials else { return question }
        let text = held.span.extracting(credential.range)
        guard context.directory.mayBeToken(text) else {
            let finding = context.directory.find(key: text, epoch: context.epoch)
            question.key = finding
            // By its id, since the numbers may be another catalogue's when the line is written.
            if record.isAudited { record.key = finding.number.map { context.directory.keyID($0) } ?? "" }
            return question
        }
        guard let finding = tokenFinding(credential, text, &context, &out) else { return nil }
        question.token = finding
        return question
    }

    // MARK: - Tokens

    /// What is known of the token; nil: its check has been asked for, or there are too many already.
    private mutating func tokenFinding(
        _ piece: Piece, _ token: Span<UInt8>, _ context: inout FlowContext, _ out: inout FlowOutput
    ) -> TokenFinding? {
        if let finding = identity.token { return finding }
        guard token.count <= Self.longestToken else { return .refused(.malformed) }
        let key = TokenCache.Key(token)
        if let finding = context.tokens.find(key, epoch: context.epoch) { return finding }
        guard context.checks < Self.checkLimit else {
            refuse(.checkOverdue, &context, &out)
            return nil
        }
        context.checks += 1
        record.isProving = true
        tokenAsk.set(TokenAsk(key: key, version: context.routesVersion))
        phase = .proving
        deadline = context.now + Self.checkTime
        pause(&out)
        out.add(.checkToken(Slice(.inbox, piece.range)))
        return nil
    }

    /// What the check of the token found that the last `.checkToken` handed over. A verdict that comes when nothing waits
    /// for it any more changes nothing.
    package mutating func tokenChecked(
        _ finding: TokenFinding, _ context: inout FlowContext, _ out: inout FlowOutput
    ) {
        guard phase == .proving, let ask = tokenAsk.value else { return }
        // A verdict on the word of a catalogue that is gone counts no more: it is asked again.
        if ask.version == context.routesVersion {
            context.remember(ask.key, finding)
            identity.token = finding
        }
        endCheck(&context)
        phase = .body
        if taken == request.size { considerHead(&context, &out) }
        if phase == .body { collect(&context, &out) }
        pump(&context, &out)
    }

    /// The token can't be checked now: too many are waiting.
    package mutating func tokenUnchecked(_ context: inout FlowContext, _ out: inout FlowOutput) {
        guard phase == .proving else { return }
        checkIsOverdue(&context, &out)
        pump(&context, &out)
    }

    /// Ends the connection, too: a verdict may still come, and must not be taken for one on the next request.
    mutating func checkIsOverdue(_ context: inout FlowContext, _ out: inout FlowOutput) {
        endCheck(&context)
        refuse(.checkOverdue, persists: false, &context, &out)
    }

    mutating func endCheck(_ context: inout FlowContext) {
        guard record.isProving else { return }
        record.isProving = false
        context.checks -= 1
        tokenAsk.remove()
    }
}

extension KeyFinding {
    /// The key's number; nil: it is none of ours.
    fileprivate var number: Int? {
        switch self {
        case .unknown: nil
        case .client(_, let index), .expired(let index), .early(let index): index
        }
    }
}
