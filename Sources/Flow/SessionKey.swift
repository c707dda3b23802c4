import Catalog
import Routing

/// What makes a session, in a form that costs nothing to look at.
struct SessionKey: Sendable {
    enum Kind: UInt8, Sendable { case header, user, client }

    let kind: Kind
    /// The header's name in lower case; empty: it is none.
    let header: [UInt8]

    init(_ key: SessionPolicy.Key) {
        switch key {
        case .header(let name): (kind, header) = (.header, Array(name.utf8).map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 })
        case .user: (kind, header) = (.user, [])
        case .client: (kind, header) = (.client, [])
        }
    }
}
