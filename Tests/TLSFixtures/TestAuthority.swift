import COpenSSL
import Glibc

/// A certificate authority of a test's own.
package final class TestAuthority {
    /// A key with its certificate; they live as long as this.
    package final class Identity {
        let certificate: OpaquePointer
        let key: OpaquePointer

        fileprivate init(_ certificate: OpaquePointer, _ key: OpaquePointer) {
            self.certificate = certificate
            self.key = key
        }

        deinit {
            X509_free(certificate)
            EVP_PKEY_free(key)
        }

        /// The certificate in PEM.
        package var chain: String { pemText { PEM_write_bio_X509($0, certificate) } }

        /// The key in PEM; with a passphrase, if one is given.
        package func secret(passphrase: String? = nil) -> String {
            let cipher = passphrase == nil ? nil : EVP_aes_128_cbc()
            let bytes = Array((passphrase ?? "").utf8)
            return pemText { PEM_write_bio_PrivateKey($0, key, cipher, bytes, Int32(bytes.count), nil, nil) }
        }
    }

    package struct Failure: Error {
        package init() {}
    }

    package let identity: Identity
    /// Where its certificate stands in PEM.
    package let file: String

    package init(_ name: String = "Test Authority") throws {
        identity = try Self.certificate(name, signedBy: nil, extensions: [(NID_basic_constraints, "critical,CA:TRUE")])
        file = "/tmp/modelbroker-tls-\(getpid())-\(UInt64.random(in: 0 ... .max)).pem"
        let memory = BIO_new_file(file, "w")
        defer { BIO_free(memory) }
        guard PEM_write_bio_X509(memory, identity.certificate) == 1 else { throw Failure() }
    }

    deinit { unlink(file) }

    /// - Parameters:
    ///   - names: as OpenSSL writes them, `DNS:a.example,IP:127.0.0.1`.
    ///   - from: seconds from now; so is `until`.
    package func issue(_ names: String, from: Int = -3600, until: Int = 3600) throws -> Identity {
        try Self.certificate(
            "server", signedBy: identity, extensions: [(NID_subject_alt_name, names)], from: from, until: until)
    }

    /// A caller's certificate.
    ///
    /// - Parameters:
    ///   - subject: fields and their values, the outermost first.
    ///   - names: as OpenSSL writes them; empty: none.
    package func issue(
        subject: [(field: String, value: String)], names: String = "", from: Int = -3600, until: Int = 3600
    ) throws -> Identity {
        let extensions = names.isEmpty ? [] : [(NID_subject_alt_name, names)]
        return try Self.certificate(subject, signedBy: identity, extensions: extensions, from: from, until: until)
    }

    private static func certificate(
        _ name: String, signedBy issuer: Identity?, extensions: [(Int32, String)], from: Int = -3600, until: Int = 3600
    ) throws -> Identity {
        try certificate([("CN", name)], signedBy: issuer, extensions: extensions, from: from, until: until)
    }

    private static func certificate(
        _ name: [(field: String, value: String)], signedBy issuer: Identity?, extensions: [(Int32, String)],
        from: Int, until: Int
    ) throws -> Identity {
        let key = try newKey()
        guard let certificate = X509_new() else { throw Failure() }
        let made = Identity(certificate, key)
        X509_set_version(certificate, 2)
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), Int.random(in: 1...Int(Int32.max)))
        X509_gmtime_adj(X509_getm_notBefore(certificate), from)
        X509_gmtime_adj(X509_getm_notAfter(certificate), until)
        X509_set_pubkey(certificate, key)
        let subject = X509_get_subject_name(certificate)
        for (field, value) in name {
            let bytes = Array(value.utf8)
            X509_NAME_add_entry_by_txt(subject, field, MBSTRING_FLAG, bytes, Int32(bytes.count), -1, 0)
        }
        X509_set_issuer_name(certificate, X509_get_subject_name((issuer ?? made).certificate))
        for (kind, value) in extensions {
            guard let field = X509V3_EXT_conf_nid(nil, nil, kind, value) else { throw Failure() }
            X509_add_ext(certificate, field, -1)
            X509_EXTENSION_free(field)
        }
        guard X509_sign(certificate, (issuer ?? made).key, EVP_sha256()) > 0 else { throw Failure() }
        return made
    }

    private static func newKey() throws -> OpaquePointer {
        let context = EVP_PKEY_CTX_new_from_name(nil, "EC", nil)
        defer { EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard EVP_PKEY_keygen_init(context) == 1, EVP_PKEY_CTX_set_group_name(context, "P-256") == 1,
            EVP_PKEY_keygen(context, &key) == 1, let key
        else { throw Failure() }
        return key
    }
}

extension TestAuthority {
    /// Puts this authority's file where the other's is.
    package func replace(_ other: TestAuthority) throws {
        guard rename(file, other.file) == 0 else { throw Failure() }
    }
}

/// What `write` writes.
private func pemText(_ write: (OpaquePointer?) -> Int32) -> String {
    let memory = BIO_new(BIO_s_mem())
    defer { BIO_free(memory) }
    guard write(memory) == 1 else { return "" }
    var start: UnsafePointer<CChar>?
    let count = copenssl_pending(memory, &start)
    return String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
}
