import COpenSSL
import Glibc

/// What is to be known of certificates without using them.
package enum TLSCertificates {
    /// When each certificate in PEM expires, in seconds since 1970, in their order; one whose time can't be read is left out.
    ///
    /// - Throws: when there are none, or one can't be read.
    package static func expiries(_ text: String) throws(TLSError) -> [Int64] {
        let certificates = try PEM.certificates(text, "the certificates")
        defer { PEM.free(certificates) }
        return certificates.compactMap { certificate in
            var moment = tm()
            guard let end = X509_get0_notAfter(certificate), ASN1_TIME_to_tm(end, &moment) == 1 else { return nil }
            return Int64(timegm(&moment))
        }
    }
}
