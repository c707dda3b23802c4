import COpenSSL

/// Certificate authorities that are trusted; shared by all contexts that trust the same.
///
/// Sendable because nothing but the constructor changes the store from here, and OpenSSL locks what it looks up in it
/// for itself.
package final class TLSAuthorities: @unchecked Sendable {
    let store: OpaquePointer

    /// - Parameter file: certificates in PEM; nil: the system's authorities.
    /// - Throws: when the file can't be read or has no certificate.
    package init(file: String? = nil) throws(TLSError) {
        ERR_clear_error()
        guard let store = X509_STORE_new() else { throw .last(.local, "no memory") }
        let result = if let file { X509_STORE_load_file(store, file) } else { X509_STORE_set_default_paths(store) }
        guard result == 1 else {
            X509_STORE_free(store)
            let cause = TLSError.last(.local, "it has no certificate in PEM")
            throw TLSError(.local, "cannot read the authorities in \(file ?? "the system's files"): \(cause)")
        }
        self.store = store
    }

    deinit { X509_STORE_free(store) }
}

extension TLSAuthorities {
    /// Where the system's authorities are.
    package static var systemDirectory: String { String(cString: X509_get_default_cert_dir()) }
}
