import COpenSSL

extension TLSError {
    /// Why a handshake or a transfer failed, as the server sees it.
    static func ofServer(_ connection: OpaquePointer) -> TLSError {
        let reason = copenssl_error_reason(ERR_peek_last_error())
        // The verdict is only one on a certificate that came: else it is X509_V_OK.
        let verdict = Int32(truncatingIfNeeded: SSL_get_verify_result(connection))
        if verdict != X509_V_OK {
            ERR_clear_error()
            return TLSError(.certificate, callerFault(verdict))
        }
        guard let known = callerFault(reason: reason) else { return last(.connection, "TLS failed") }
        ERR_clear_error()
        return known
    }

    private static func callerFault(reason: Int32) -> TLSError? {
        switch reason {
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: TLSError(.certificate, "the caller shows no certificate")
        case SSL_R_WRONG_VERSION_NUMBER, SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST, SSL_R_PACKET_LENGTH_TOO_LONG,
            SSL_R_RECORD_LENGTH_MISMATCH, SSL_R_BAD_RECORD_TYPE:
            TLSError(.connection, "the caller does not speak TLS")
        case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_VERSION_TOO_LOW:
            TLSError(.connection, "the caller speaks no version of TLS that is safe")
        case SSL_R_NO_APPLICATION_PROTOCOL: TLSError(.connection, "the caller does not speak HTTP/1.1")
        case SSL_R_NO_SHARED_CIPHER: TLSError(.connection, "the caller has no cipher that is safe")
        case SSL_R_TLSV1_ALERT_UNKNOWN_CA, SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED,
            SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
            TLSError(.connection, "the caller does not accept this side's certificate")
        default: nil
        }
    }

    private static func callerFault(_ verdict: Int32) -> String {
        switch verdict {
        case X509_V_ERR_CERT_HAS_EXPIRED: "the caller's certificate has expired"
        case X509_V_ERR_CERT_NOT_YET_VALID: "the caller's certificate is not valid yet"
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_UNTRUSTED,
            X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
            "the caller's certificate is from an unknown authority"
        case X509_V_ERR_CERT_SIGNATURE_FAILURE: "the caller's certificate is not from the authority that it names"
        case X509_V_ERR_CERT_REVOKED: "the caller's certificate has been revoked"
        case X509_V_ERR_INVALID_PURPOSE: "the caller's certificate is not one for callers"
        default: "the caller's certificate is not accepted: \(String(cString: X509_verify_cert_error_string(Int(verdict))))"
        }
    }
}
