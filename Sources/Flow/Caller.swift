package import Catalog
package import Control
import Identity

/// Who opened a connection and whereto, as far as it is known when it is accepted.
package struct Caller: Sendable {
    package var entrance: FlowRecord.Entrance
    package var address: SocketAddress
    /// What it dialled; for the gateway, the listener.
    package var dialled: SocketAddress
    package var rule: UInt32 = 0
    /// How the capture rule treats what can't be governed; the gateway refuses both.
    package var unknown = CaptureRule.Ungoverned.refuse
    package var opaque = CaptureRule.Ungoverned.refuse
    /// Which of two clients it is that its workload and its credentials belong to.
    package var onConflict = CaptureRule.Conflict.deny
    /// It came by TLS.
    package var isSecure = false
    /// The caller lives in a network namespace other than the node's.
    package var isForeign = false
    /// Attested by the kernel.
    package var pid: UInt32 = 0
    package var uid: UInt32 = 0
    package var command = ""
    package var cgroup: UInt64 = 0
    package var netnsCookie: UInt64 = 0
    /// The client of its workload, by name; empty: it is none's.
    package var client = ""
    /// The client's number in the kernel plane; 0: none.
    package var clientNumber: UInt32 = 0
    /// The model that the address dialled is dedicated to; empty: none.
    package var model = ""

    /// What the certificate says that it showed, and that was verified.
    var certificate = Rare<CertificateFacts>()

    package init(entrance: FlowRecord.Entrance, address: SocketAddress, dialled: SocketAddress) {
        self.entrance = entrance
        self.address = address
        self.dialled = dialled
    }

    /// The address dialled can be reached from the node: a loopback address of another namespace can't, and must not
    /// be mistaken for the node's own.
    var canReachDialled: Bool { entrance == .capture && !(isForeign && dialled.ip.isLoopback) }
}
