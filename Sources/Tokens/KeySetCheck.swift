package import Catalog
package import Control

/// Whether a document can serve as an issuer's keys.
package enum KeySetCheck {
    /// Why it cannot, continuing a sentence that begins with its place; nil: it has a usable key for one of the algorithms.
    package static func fault(of document: Secret, form: KeySet.Form, algorithms: [Issuer.Algorithm]) -> String? {
        do throws(KeySetReader.Fault) {
            _ = try KeySetReader.keys(of: document, form: form, algorithms: algorithms)
            return nil
        } catch {
            return error.reason
        }
    }
}
