/// How one of the broker's own ways of telling others of what happens is doing: remote write, OTLP, events.
package struct ExportReport: Hashable, Sendable, Codable {
    /// `remote-write`, `otlp-metrics`, `otlp-traces`, `events-webhook`, `events-file` or `events-stdout`.
    package var name: String
    /// A host with its port, or a path.
    package var target: String
    /// Samples, points, spans or events: those that were taken, those that the receiver does not want, and those that there
    /// was no room for while it took none.
    package var sent: UInt64 = 0
    package var refused: UInt64 = 0
    package var dropped: UInt64 = 0
    /// Requests that failed and are, or were, tried again.
    package var failures: UInt64 = 0
    package var waitingBytes: UInt64 = 0
    /// Why the last request came to nothing; nil: it did not.
    package var fault: String?
    /// Seconds since 1970; nil: never.
    package var lastSuccess: UInt64?

    package init(name: String, target: String) {
        self.name = name
        self.target = target
    }
}

/// When a file of certificates is of use.
package struct CertificateReport: Hashable, Sendable, Codable {
    /// Seconds before the end from which on somebody should know of it; the alert rules have the same.
    package static let notice: Int64 = 14 * 86_400

    package var file: String
    /// `gateway`, `client-ca`, `endpoint-ca`, `audit-ca` or `export-ca`.
    package var use: String
    /// Whose the certificate is by which the file ends, `CN=gateway`; nil: it has no name, or the agent does not say.
    package var subject: String?
    /// Seconds since 1970: of a chain when the last certificate begins to be valid, of authorities the first one; nil: an
    /// agent that does not say.
    package var begins: Int64?
    /// Seconds since 1970: of a chain when the first certificate expires, of authorities the last one.
    package var expires: Int64

    package init(file: String, use: String, subject: String? = nil, begins: Int64? = nil, expires: Int64) {
        self.file = file
        self.use = use
        self.subject = subject
        self.begins = begins
        self.expires = expires
    }
}
