internal import Kubernetes

/// The token that proves a service account, read again when its file changes: the kubelet exchanges it before it expires.
struct ServiceToken: Sendable {
    /// Bytes at most.
    private static let limit = 64 << 10

    private let file: String?
    private var known: (state: FileState, token: String)?

    /// - Parameter file: nil: none is sent.
    init(file: String?) { self.file = file }

    /// The line of a request's head that carries it; nil: there is none.
    mutating func line() throws(KubernetesFault) -> String? {
        guard let file else { return nil }
        let state = FileState(file)
        if let known, known.state == state { return "Authorization: Bearer \(known.token)" }
        let text: String
        do { text = try File.text(file, limit: Self.limit) } catch { throw KubernetesFault("the token: \(error)") }
        let token = String(text.drop(while: \.isWhitespace).prefix { !$0.isWhitespace })
        guard !token.isEmpty, token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw KubernetesFault("\(file) holds no token")
        }
        known = (state, token)
        return "Authorization: Bearer \(token)"
    }
}
