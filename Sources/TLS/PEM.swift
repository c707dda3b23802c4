import COpenSSL

/// Certificates and keys in PEM, from memory. A key with a passphrase is one that can't be read: nobody is asked for it.
enum PEM {
    /// All certificates in `text`, each to be freed by the caller.
    ///
    /// - Throws: when there are none, or one can't be read; `what` says what they should have been.
    static func certificates(_ text: String, _ what: String) throws(TLSError) -> [OpaquePointer] {
        ERR_clear_error()
        let memory = try open(text)
        defer { BIO_free(memory) }
        var certificates: [OpaquePointer] = []
        while let certificate = PEM_read_bio_X509(memory, nil, refusePassphrase, nil) { certificates.append(certificate) }
        let code = ERR_peek_last_error()
        // That no more begins is how the list ends.
        let isEnd = copenssl_error_library(code) == ERR_LIB_PEM && copenssl_error_reason(code) == PEM_R_NO_START_LINE
        if !certificates.isEmpty, isEnd {
            ERR_clear_error()
            return certificates
        }
        free(certificates)
        if isEnd { ERR_clear_error() }
        throw TLSError(.local, "cannot read \(what): \(TLSError.last(.local, "it has no certificate in PEM"))")
    }

    /// The first private key in `text`, to be freed by the caller.
    static func key(_ text: String) throws(TLSError) -> OpaquePointer {
        ERR_clear_error()
        let memory = try open(text)
        defer { BIO_free(memory) }
        guard let key = PEM_read_bio_PrivateKey(memory, nil, refusePassphrase, nil) else {
            // What OpenSSL says of a text without a key is of no use to anybody, and must not quote the text.
            ERR_clear_error()
            throw TLSError(.local, "cannot read the private key: it is no key in PEM, or has a passphrase")
        }
        return key
    }

    static func free(_ certificates: [OpaquePointer]) {
        for certificate in certificates { X509_free(certificate) }
    }

    private static let refusePassphrase:
        @convention(c) (UnsafeMutablePointer<CChar>?, Int32, Int32, UnsafeMutableRawPointer?) -> Int32 =
            { _, _, _, _ in -1 }

    /// A copy of the text that OpenSSL reads from.
    private static func open(_ text: String) throws(TLSError) -> OpaquePointer {
        guard let memory = BIO_new(BIO_s_mem()) else { throw .last(.local, "no memory") }
        var text = text
        let count = text.utf8.count
        let written = text.withUTF8 { BIO_write(memory, $0.baseAddress, Int32(clamping: $0.count)) }
        guard written == count || count == 0 else {
            BIO_free(memory)
            throw .last(.local, "no memory")
        }
        return memory
    }
}
