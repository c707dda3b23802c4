import COpenSSL
import Glibc

/// What is to be known of a certificate without using it. Times are seconds since 1970.
package struct TLSCertificate: Hashable, Sendable {
    /// The distinguished name as RFC 4514 writes it, `CN=gateway,O=shop`; empty: it has none, or one that can't be read.
    package let subject: String
    /// Not valid before that.
    package let begins: Int64
    /// Not valid after that.
    package let expires: Int64

    package init(subject: String, begins: Int64, expires: Int64) {
        self.subject = subject
        self.begins = begins
        self.expires = expires
    }

    /// Each certificate in PEM, in their order; one whose times can't be read is left out.
    ///
    /// - Throws: when there are none, or one can't be read.
    package static func all(in text: String) throws(TLSError) -> [TLSCertificate] {
        let certificates = try PEM.certificates(text, "the certificates")
        defer { PEM.free(certificates) }
        return certificates.compactMap { certificate in
            guard let begins = seconds(X509_get0_notBefore(certificate)), let expires = seconds(X509_get0_notAfter(certificate))
            else { return nil }
            return TLSCertificate(subject: (try? TLSPeer.subject(of: certificate)) ?? "", begins: begins, expires: expires)
        }
    }

    private static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64? {
        var moment = tm()
        guard let time, ASN1_TIME_to_tm(time, &moment) == 1 else { return nil }
        return Int64(timegm(&moment))
    }
}
