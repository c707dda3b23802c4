import Catalog
import Identity
import Testing

/// The decision, row by row and over all that can come together. Clients 0 and 1 prove themselves; 9 is the anonymous one.
@Suite struct IdentityAnswerTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var workload: Int?
        var key: KeyFinding?
        var token: TokenFinding?
        var certificate: Int?
        var captured: IdentityAnswer
        var gateway: IdentityAnswer
        var anonymous: Int?
        var onConflict = CaptureRule.Conflict.deny
        var isBasic = false
        var isMixed = false

        var testDescription: String { "\(question(true)), anonymous \(anonymous ?? -1)" }

        func question(_ isCaptured: Bool) -> IdentityQuestion {
            var question = IdentityQuestion(isCaptured: isCaptured)
            (question.workload, question.key, question.token, question.certificate) = (workload, key, token, certificate)
            (question.hasUnknownCredential, question.hasDifferentCredentials) = (isBasic, isMixed)
            question.onConflict = onConflict
            return question
        }
    }

    private static func key(_ client: Int) -> KeyFinding { .client(client, keyIndex: 7) }
    private static func token(_ client: Int) -> TokenFinding { .client(client, until: 99) }
    private static func row(
        _ workload: Int? = nil, key: KeyFinding? = nil, token: TokenFinding? = nil, certificate: Int? = nil,
        captured: IdentityAnswer, gateway: IdentityAnswer
    ) -> Row {
        Row(workload: workload, key: key, token: token, certificate: certificate, captured: captured, gateway: gateway)
    }
    private static func both(
        _ workload: Int? = nil, key: KeyFinding? = nil, token: TokenFinding? = nil, certificate: Int? = nil,
        answer: IdentityAnswer
    ) -> Row { row(workload, key: key, token: token, certificate: certificate, captured: answer, gateway: answer) }

    static let rows: [Row] = [
        // One proof, or none.
        both(answer: .refused(.missing)),
        both(0, answer: .client(0, .workload)),
        both(key: key(0), answer: .client(0, .key)),
        both(token: token(0), answer: .client(0, .token)),
        both(certificate: 0, answer: .client(0, .certificate)),
        // Several of one client: the most trusted is named.
        both(0, key: key(0), answer: .client(0, .workload)),
        both(0, token: token(0), certificate: 0, answer: .client(0, .workload)),
        both(key: key(0), certificate: 0, answer: .client(0, .key)),
        both(token: token(0), certificate: 0, answer: .client(0, .token)),
        // Of two clients.
        both(0, key: key(1), answer: .conflict(first: 0, second: 1)),
        both(0, token: token(1), answer: .conflict(first: 0, second: 1)),
        both(0, certificate: 1, answer: .conflict(first: 0, second: 1)),
        both(key: key(0), certificate: 1, answer: .conflict(first: 0, second: 1)),
        both(token: token(1), certificate: 0, answer: .conflict(first: 1, second: 0)),
        both(0, key: key(0), certificate: 1, answer: .conflict(first: 0, second: 1)),
        // Credentials that are not ours.
        row(key: .unknown, captured: .refused(.missing), gateway: .refused(.unknownCredential)),
        row(0, key: .unknown, captured: .client(0, .workload), gateway: .refused(.unknownCredential)),
        row(key: .unknown, certificate: 0, captured: .client(0, .certificate), gateway: .refused(.unknownCredential)),
        row(
            0, token: .refused(.unknownIssuer), captured: .client(0, .workload), gateway: .refused(.unknownCredential)),
        row(0, token: .refused(.malformed), captured: .client(0, .workload), gateway: .refused(.unknownCredential)),
        // Ours, but not valid.
        both(key: .expired(3), answer: .refused(.keyExpired(3))),
        both(0, key: .expired(3), answer: .refused(.keyExpired(3))),
        both(0, key: .early(3), answer: .refused(.keyEarly(3))),
        both(key: .early(3), certificate: 0, answer: .refused(.keyEarly(3))),
        both(0, token: .refused(.expired), answer: .refused(.token(.expired))),
        both(0, token: .refused(.signature), answer: .refused(.token(.signature))),
        both(0, token: .refused(.algorithm), answer: .refused(.token(.algorithm))),
        both(0, token: .refused(.audience), answer: .refused(.token(.audience))),
        both(0, token: .refused(.early), answer: .refused(.token(.early))),
        both(0, token: .refused(.noKeys), answer: .refused(.token(.noKeys))),
        both(token: .refused(.unknownClient), answer: .refused(.token(.unknownClient))),
    ]

    @Test(arguments: rows) func answers(row: Row) {
        #expect(row.question(true).answer(isOpen: false, anonymous: row.anonymous) == row.captured)
        #expect(row.question(false).answer(isOpen: false, anonymous: row.anonymous) == row.gateway)
    }

    @Test func anonymousIsWhoProvesNothing() {
        var row = Self.both(answer: .client(9, .anonymous))
        row.anonymous = 9
        answers(row: row)
        row.workload = 0
        (row.captured, row.gateway) = (.client(0, .workload), .client(0, .workload))
        answers(row: row)
        // A wrong key is no way to be anonymous where it was meant for us.
        row = Self.row(key: .unknown, captured: .client(9, .anonymous), gateway: .refused(.unknownCredential))
        row.anonymous = 9
        answers(row: row)
        row = Self.both(key: .expired(1), answer: .refused(.keyExpired(1)))
        row.anonymous = 9
        answers(row: row)
    }

    @Test func otherSchemesProveNothing() {
        var row = Self.row(captured: .refused(.missing), gateway: .refused(.unknownCredential))
        row.isBasic = true
        answers(row: row)
        row.anonymous = 9
        row.captured = .client(9, .anonymous)
        answers(row: row)
        row.certificate = 0
        (row.captured, row.gateway) = (.client(0, .certificate), .client(0, .certificate))
        answers(row: row)
    }

    @Test func credentialsThatDifferAreRefused() {
        var row = Self.both(0, key: Self.key(0), answer: .refused(.differentCredentials))
        row.isMixed = true
        answers(row: row)
    }

    @Test(arguments: [
        (CaptureRule.Conflict.deny, IdentityAnswer.conflict(first: 0, second: 1)),
        (.workload, .client(0, .workload)), (.credentials, .client(1, .key)),
    ])
    func theRuleSettlesConflictsWithTheWorkload(onConflict: CaptureRule.Conflict, captured: IdentityAnswer) {
        var row = Self.row(0, key: Self.key(1), captured: captured, gateway: .conflict(first: 0, second: 1))
        row.onConflict = onConflict
        answers(row: row)
        // Credentials that contradict each other are settled by nothing.
        row = Self.both(0, key: Self.key(0), certificate: 1, answer: .conflict(first: 0, second: 1))
        row.onConflict = onConflict
        answers(row: row)
    }

    @Test func openAsksNobody() {
        for row in Self.rows {
            let expected = row.workload.map { IdentityAnswer.client($0, .workload) } ?? .open
            #expect(row.question(true).answer(isOpen: true, anonymous: nil) == expected)
            #expect(row.question(false).answer(isOpen: true, anonymous: nil) == expected)
        }
    }

    /// What must hold whatever comes together.
    @Test func nothingSlipsThrough() {
        let tokenFaults: [TokenFault] = [.malformed, .expired, .signature, .unknownIssuer, .unknownClient]
        let keys: [KeyFinding?] = [nil, .unknown, Self.key(0), Self.key(1), .expired(1), .early(2)]
        let tokens: [TokenFinding?] = [nil, Self.token(0), Self.token(1)] + tokenFaults.map { .refused($0) }
        var judged = 0
        for workload in [nil, 0, 1] {
            for key in keys {
                for token in tokens {
                    for certificate in [nil, 0, 1] {
                        for onConflict in CaptureRule.Conflict.allCases {
                            for anonymous in [nil, 9] {
                                for isCaptured in [false, true] {
                                    var row = Row(
                                        workload: workload, key: key, token: token, certificate: certificate, captured: .open,
                                        gateway: .open,
                                        anonymous: anonymous, onConflict: onConflict)
                                    row.isBasic = (judged & 1) == 1
                                    judged += 1
                                    expectSound(row, isCaptured)
                                }
                            }
                        }
                    }
                }
            }
        }
        #expect(judged == 3 * 6 * 8 * 3 * 3 * 2 * 2)
    }

    private func expectSound(_ row: Row, _ isCaptured: Bool) {
        let proven: [Proof: Int] = [
            .workload: row.workload, .certificate: row.certificate, .key: row.key.flatMap(Self.client),
            .token: row.token.flatMap(Self.client),
        ].compactMapValues { $0 }
        let question = row.question(isCaptured)
        switch question.answer(isOpen: false, anonymous: row.anonymous) {
        case .open: Issue.record("open: \(question)")
        case .client(let client, .anonymous): #expect(proven.isEmpty && client == row.anonymous, "\(question)")
        case .client(let client, let proof):
            #expect(proven[proof] == client, "\(question)")
            let others = proven.filter { $0.value != client }
            #expect(others.isEmpty || isCaptured && row.onConflict != .deny && row.workload != nil, "\(question)")
            if row.onConflict != .credentials { #expect(proven.keys.allSatisfy { $0.rawValue >= proof.rawValue }) }
        case .conflict(let first, let second):
            #expect(first != second && proven.values.contains(first) && proven.values.contains(second), "\(question)")
        case .refused(let fault):
            #expect(fault != .missing || proven.isEmpty && row.anonymous == nil, "\(question)")
            #expect(fault != .unknownCredential || !isCaptured, "\(question)")
        }
        if case .expired = row.key { #expect(question.answer(isOpen: false, anonymous: 9) == .refused(.keyExpired(1))) }
    }

    private static func client(_ finding: KeyFinding) -> Int? {
        if case .client(let client, _) = finding { return client }
        return nil
    }

    private static func client(_ finding: TokenFinding) -> Int? {
        if case .client(let client, _) = finding { return client }
        return nil
    }
}
