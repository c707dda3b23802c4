import COpenSSL
import Glibc

/// Why a TLS connection can't be had, or broke, as one sentence without a full stop.
package struct TLSError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Kind: Hashable, Sendable {
        /// The peer's certificate is not to be trusted.
        case certificate
        /// What the peer sends is not TLS, or not as it should be, or it gave up.
        case connection
        /// Something of this side: a file that can't be read, no memory.
        case local
    }

    package let kind: Kind
    package let description: String

    package init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }

    /// What OpenSSL noted in this thread; its list of errors is empty afterwards.
    static func last(_ kind: Kind, _ otherwise: StaticString) -> TLSError {
        let (first, code) = (ERR_peek_error(), ERR_peek_last_error())
        ERR_clear_error()
        // The kernel's reason comes first and says more than what follows from it.
        if first & systemFlag != 0 {
            return TLSError(kind, String(cString: strerror(Int32(truncatingIfNeeded: first & ~systemFlag))))
        }
        guard code != 0, let reason = ERR_reason_error_string(code) else { return TLSError(kind, "\(otherwise)") }
        return TLSError(kind, String(cString: reason))
    }

    /// Marks errno among OpenSSL's errors.
    private static var systemFlag: UInt { 0x8000_0000 }

    /// Why a handshake or a transfer failed. A certificate's fault says more than the failure that it leads to.
    static func of(_ connection: OpaquePointer, serverName: String) -> TLSError {
        if SSL_is_server(connection) == 1 { return ofServer(connection) }
        let verdict = SSL_get_verify_result(connection)
        guard Int32(truncatingIfNeeded: verdict) != X509_V_OK else { return ofConnection() }
        ERR_clear_error()
        return TLSError(.certificate, certificateFault(connection, Int32(truncatingIfNeeded: verdict), serverName))
    }

    private static func ofConnection() -> TLSError {
        let reason = Int32(truncatingIfNeeded: Int(ERR_peek_last_error()) & Int(ERR_REASON_MASK))
        switch reason {
        case SSL_R_WRONG_VERSION_NUMBER, SSL_R_HTTP_REQUEST, SSL_R_PACKET_LENGTH_TOO_LONG, SSL_R_RECORD_LENGTH_MISMATCH:
            ERR_clear_error()
            return TLSError(.connection, "the server does not speak TLS")
        case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
            ERR_clear_error()
            return TLSError(.connection, "the server speaks no version of TLS that is safe")
        default: return last(.connection, "TLS failed")
        }
    }

    private static func certificateFault(_ connection: OpaquePointer, _ verdict: Int32, _ name: String) -> String {
        switch verdict {
        case X509_V_ERR_CERT_HAS_EXPIRED: "the server's certificate has expired"
        case X509_V_ERR_CERT_NOT_YET_VALID: "the server's certificate is not valid yet"
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH: "the server's certificate is not for \(name)"
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_UNTRUSTED:
            "the server's certificate is from an unknown authority"
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
            "the server's certificate is from an unknown authority (itself)"
        case X509_V_ERR_CERT_SIGNATURE_FAILURE: "the server's certificate is not from the authority that it names"
        case X509_V_ERR_CERT_REVOKED: "the server's certificate has been revoked"
        default:
            "the server's certificate is not accepted: \(String(cString: X509_verify_cert_error_string(Int(verdict))))"
        }
    }
}
