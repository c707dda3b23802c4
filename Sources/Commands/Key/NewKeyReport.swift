internal import Catalog
package import Identity

/// A key that was just made: what `modelbroker key new` prints, the one time that the key is shown.
package struct NewKeyReport: Hashable, Sendable, Encodable {
    package var id: String
    package var client: String
    package var secret: String
    /// For the configuration.
    package var stored: String
    /// RFC 3339; nil: from, or to, all times.
    package var notBefore: String?
    package var expires: String?

    package init(_ key: NewKey, client: String) {
        id = key.key.id
        self.client = client
        secret = key.secret.reveal
        stored = KeyDigest.stored(key.key)
        notBefore = key.key.notBefore.map(Units.moment(epochSeconds:))
        expires = key.key.expires.map(Units.moment(epochSeconds:))
    }

    /// What stands under `keys` of the client.
    package var configurationLine: String {
        if notBefore == nil, expires == nil { return "keys: [\"\(stored)\"]" }
        let bounds = [notBefore.map { ", notBefore: \"\($0)\"" }, expires.map { ", expires: \"\($0)\"" }].compactMap(\.self)
            .joined()
        return "keys: [{key: \"\(stored)\"\(bounds)}]"
    }

    /// For people, beside the key itself, which stands alone.
    package func note(isOffline: Bool) -> String {
        let until = expires.map { ", until \($0)" } ?? ""
        let place =
            isOffline
            ? "Nothing has been changed; for the configuration, under clients: \(client):\n  \(configurationLine)\n"
            : "It is in force.\n"
        return "key \(id) of \(client)\(until). It is shown this once and kept nowhere.\n" + place
    }
}
