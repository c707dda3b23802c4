/// What a verified certificate says of its owner.
package struct CertificateFacts: Hashable, Sendable {
    /// As in RFC 4514: `CN=checkout,O=shop`.
    package var subject: String
    /// Subject alternative names: `dns:…`, `uri:…`, `email:…`, `ip:…`.
    package var names: [String]

    package init(subject: String, names: [String] = []) {
        self.subject = subject
        self.names = names
    }
}
