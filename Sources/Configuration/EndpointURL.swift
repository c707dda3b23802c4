internal import Catalog

/// The URL of an endpoint, as people write it on a command line.
package enum EndpointURL {
    /// As the catalogue has it: host in lower case, without the scheme's own port and without a slash at its end. nil: it is no
    /// URL that an endpoint may have.
    package static func canonical(_ text: String) -> String? {
        do throws(Refusal) {
            return try EndpointText.endpoint(text).url
        } catch {
            return nil
        }
    }
}
