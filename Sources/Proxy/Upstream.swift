import Catalog
import Reactor

/// A connection to an endpoint, or to an address that a caller dialled.
final class Upstream {
    let token: Token
    let descriptor: Descriptor
    /// Where it belongs when nobody uses it; nil: it belongs to one caller alone.
    let home: UpstreamPool.IdleList?
    /// nil: plain TCP.
    let tls: TLSLeg?
    /// Who uses it; nil: it waits in the pool, or carries a copy. Each holds the other until `dropUpstream` parts them,
    /// since a weak reference would cost every event a visit to a side table.
    var user: Connection?
    /// It is the second one of its user.
    var isHedge = false
    /// The copy of a request that it carries.
    var shadow: Shadow?
    /// Bytes can be written to it, TLS's handshake being over.
    var isConnected = false
    var queue = ByteQueue()
    var tag = SocketTag()
    /// Its priority before it was put behind all others; nil: it was not.
    var priority: Int32?
    var isReadable = false
    var isHungUp = false
    var hasEnded = false
    var finishWrites = false
    /// When it leaves the pool, or its copy is given up, and the deadline under which it stands in the timer wheel.
    var idleDeadline: UInt64 = 0
    var armed: UInt64 = 0

    init(token: Token, descriptor: consuming Descriptor, home: UpstreamPool.IdleList?, tls: TLSLeg?) {
        self.token = token
        self.descriptor = descriptor
        self.home = home
        self.tls = tls
    }
}
