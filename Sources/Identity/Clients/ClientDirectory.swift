package import Catalog

/// The clients of a configuration and what proves them. Their numbers are their positions in the catalogue.
package struct ClientDirectory: Sendable {
    private var names: [String] = []
    private var numbers: [String: Int] = [:]
    private var keys = KeyIndex([])
    private var certificates: [(pattern: CertificatePattern, client: Int)] = []
    private var hasIssuers = false
    /// Nobody is asked who they are.
    package private(set) var isOpen = true
    /// The client of those who prove nothing; nil: they are nobody.
    package private(set) var anonymous: Int?

    /// Open.
    package init() {}

    /// - Parameter managed: keys that do not stand in the configuration; those of clients it does not know are left out.
    package init(_ catalog: Catalog, managed: [(client: String, key: APIKey)] = []) {
        names = catalog.clients.map(\.name)
        let numbers = Dictionary(names.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        self.numbers = numbers
        let own = catalog.clients.enumerated().flatMap { number, client in client.keys.map { (client: number, key: $0) } }
        keys = KeyIndex(own + managed.compactMap { made in numbers[made.client].map { ($0, made.key) } })
        certificates = catalog.clients.enumerated().flatMap { number, client in
            client.certificates.compactMap { CertificatePattern($0) }.map { ($0, number) }
        }
        hasIssuers = !catalog.authentication.issuers.isEmpty
        isOpen = catalog.authentication.anonymous == .open
        if case .client(let name) = catalog.authentication.anonymous { anonymous = numbers[name] }
    }

    package var count: Int { names.count }

    /// Empty: there is no client of this number.
    package func name(_ number: Int) -> String { names.indices.contains(number) ? names[number] : "" }

    package func number(of name: String) -> Int? { numbers[name] }

    // MARK: - Proofs

    /// - Parameter epoch: seconds since 1970.
    package func find(key: Span<UInt8>, epoch: Int64) -> KeyFinding { keys.find(key, epoch: epoch) }

    /// Empty: there is no key of this number.
    package func keyID(_ keyIndex: Int) -> String { keys.id(keyIndex) }

    /// The first client that the certificate is one of.
    package func client(of facts: CertificateFacts) -> Int? {
        certificates.first { $0.pattern.matches(facts) }?.client
    }

    /// Whether there are issuers, and this has the shape of a token: three parts, the first an object in base64.
    package func mayBeToken(_ credential: Span<UInt8>) -> Bool {
        guard hasIssuers, credential.count > 3, credential[0] == 0x65, credential[1] == 0x79, credential[2] == 0x4A else {
            return false
        }
        var dots = 0
        for index in credential.indices where credential[index] == 0x2E { dots += 1 }
        return dots == 2
    }

    // MARK: - The decision

    /// Who sent a request.
    package func answer(_ question: IdentityQuestion) -> IdentityAnswer {
        question.answer(isOpen: isOpen, anonymous: anonymous)
    }
}
