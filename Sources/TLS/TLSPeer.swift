import COpenSSL
import Glibc

/// What a verified certificate says of its owner.
package struct TLSPeer: Hashable, Sendable {
    /// Alternative names that are looked at.
    private static let nameLimit = 128

    /// The distinguished name as RFC 4514 writes it, `CN=checkout,O=shop`; empty: it has none.
    package let subject: String
    /// The subject's alternative names: `dns:…` (in lower case), `uri:…`, `email:…`, `ip:…`, in their order.
    package let names: [String]

    /// nil: no certificate was shown.
    ///
    /// - Throws: for names with NULs or control characters, which say one thing to one reader and another to the next, and
    ///   for a certificate that has expired since the session that is resumed began.
    init?(of connection: OpaquePointer) throws(TLSError) {
        guard let certificate = SSL_get0_peer_certificate(connection) else { return nil }
        guard Int32(truncatingIfNeeded: SSL_get_verify_result(connection)) == X509_V_OK else {
            throw .of(connection, serverName: "")
        }
        guard X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0 else {
            throw TLSError(.certificate, "the caller's certificate has expired")
        }
        subject = try Self.subject(of: certificate)
        names = try Self.names(of: certificate)
    }

    static func subject(of certificate: OpaquePointer) throws(TLSError) -> String {
        let name = X509_get_subject_name(certificate)
        for index in 0..<X509_NAME_entry_count(name) {
            let value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index))
            // Also in the wide forms of strings, where every letter has a zero beside it: what it means is asked in UTF-8.
            var text: UnsafeMutablePointer<UInt8>?
            let count = ASN1_STRING_to_UTF8(&text, value)
            guard count >= 0, let text else { throw unclear }
            defer { CRYPTO_free(text, "", 0) }
            try check(UnsafeBufferPointer(start: text, count: Int(count)))
        }
        guard let memory = BIO_new(BIO_s_mem()) else { throw .last(.local, "no memory") }
        defer { BIO_free(memory) }
        guard copenssl_print_subject(memory, certificate) >= 0 else { throw unclear }
        var start: UnsafePointer<CChar>?
        let count = copenssl_pending(memory, &start)
        let bytes = UnsafeRawBufferPointer(start: start, count: count)
        guard let text = String(validating: bytes, as: UTF8.self) else { throw unclear }
        return text
    }

    private static func names(of certificate: OpaquePointer) throws(TLSError) -> [String] {
        var critical: Int32 = 0
        guard let found = X509_get_ext_d2i(certificate, NID_subject_alt_name, &critical, nil) else {
            // -1: there are none. Anything else: more than one list, or one that can't be read.
            guard critical == -1 else { throw unclear }
            return []
        }
        let list = OpaquePointer(found)
        defer { GENERAL_NAMES_free(list) }
        guard copenssl_name_count(list) <= nameLimit else { throw unclear }
        var names: [String] = []
        for index in 0..<copenssl_name_count(list) {
            var (bytes, count): (UnsafePointer<UInt8>?, Int32) = (nil, 0)
            let type = copenssl_name_at(list, index, &bytes, &count)
            if let name = try text(type, UnsafeBufferPointer(start: bytes, count: bytes == nil ? 0 : Int(count))) {
                names.append(name)
            }
        }
        return names
    }

    /// nil: a name of another kind.
    private static func text(_ type: Int32, _ bytes: UnsafeBufferPointer<UInt8>) throws(TLSError) -> String? {
        switch type {
        case GEN_DNS: return "dns:" + (try ascii(bytes)).lowercased()
        case GEN_URI: return "uri:" + (try ascii(bytes))
        case GEN_EMAIL: return "email:" + (try ascii(bytes))
        case GEN_IPADD: return "ip:" + (try address(bytes))
        default: return nil
        }
    }

    private static func ascii(_ bytes: UnsafeBufferPointer<UInt8>) throws(TLSError) -> String {
        try check(bytes)
        guard !bytes.isEmpty, bytes.allSatisfy({ $0 < 0x7F }) else { throw unclear }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func address(_ bytes: UnsafeBufferPointer<UInt8>) throws(TLSError) -> String {
        guard bytes.count == 4 || bytes.count == 16 else { throw unclear }
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let family = bytes.count == 4 ? AF_INET : AF_INET6
        guard inet_ntop(family, bytes.baseAddress, &text, socklen_t(text.count)) != nil else { throw unclear }
        return text.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    }

    private static func check(_ bytes: UnsafeBufferPointer<UInt8>) throws(TLSError) {
        guard !bytes.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { throw unclear }
    }

    private static var unclear: TLSError { TLSError(.certificate, "the caller's certificate has names that can't be read") }
}
