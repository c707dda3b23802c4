import CBrokerABI
import Catalog
import Control
import Glibc
import Reactor
import Synchronization

/// A listening address: at least one socket for each event loop, sharing the port (SO_REUSEPORT).
struct Listener: Sendable {
    let id: Int
    let address: SocketAddress
    let entrance: FlowRecord.Entrance
    /// Callers speak TLS.
    let isSecure: Bool
    /// Which event loop this copy is for.
    var share: Int
    private let shares: Int
    private let sockets: ListenerSockets

    /// Opens the sockets for `shares` event loops.
    ///
    /// - Parameter former: sockets of the proxy before this one that listen there, taken over. All of them stay in use,
    ///   since connections may wait on any; only what is missing is opened.
    init(id: Int, _ plan: ListenerPlan, shares: Int, former: [Int32] = []) throws(SystemError) {
        self.id = id
        address = plan.address
        entrance = plan.entrance
        isSecure = plan.isSecure
        share = 0
        self.shares = shares
        sockets = try ListenerSockets(plan.address, shares, former)
    }

    /// Those that this copy's event loop accepts from.
    var descriptors: [Int32] { stride(from: share, to: sockets.numbers.count, by: shares).map { sockets.numbers[$0] } }

    /// Those of all event loops.
    var all: [Int32] { sockets.numbers }
}

/// Owns the sockets of a listener; they close when the last copy of the listener is gone.
private final class ListenerSockets: Sendable {
    let numbers: [Int32]

    init(_ address: SocketAddress, _ shares: Int, _ former: [Int32]) throws(SystemError) {
        var opened = former
        do throws(SystemError) {
            while opened.count < shares { opened.append(try Socket.listen(address).take()) }
        } catch {
            // With what was taken over somebody accepts at least; loops without a socket of their own get no connections.
            if !former.isEmpty {
                numbers = opened
                return
            }
            for number in opened { _ = Glibc.close(number) }
            throw error
        }
        numbers = opened
    }

    deinit {
        for number in numbers { _ = Glibc.close(number) }
    }
}

/// A listening address of a configuration: where, which entrance, and for captures which slot of the kernel's sockmap.
struct ListenerPlan: Hashable {
    var address: SocketAddress
    var entrance: FlowRecord.Entrance
    var slot: UInt32?
    var isSecure = false

    var purpose: HandedListener.Purpose { entrance == .capture ? .capture : isSecure ? .secureGateway : .gateway }

    /// Everything that `node` wants listened on. A caller of another network namespace comes by a pod address, at the
    /// port of the capture listener of that family.
    ///
    /// - Parameter secured: addresses for which there is a certificate; without one nobody listens.
    static func plans(for node: Node, secured: (SocketAddress) -> Bool = { _ in true }) -> [ListenerPlan] {
        var plans: [ListenerPlan] = []
        for address in node.listen {
            let slot = address.ip.family == .v4 ? MB_LISTENER_HOST4 : MB_LISTENER_HOST6
            plans.append(ListenerPlan(address: address, entrance: .capture, slot: slot.rawValue))
        }
        for ip in node.podAddresses {
            guard let port = node.listen.first(where: { $0.ip.family == ip.family })?.port ?? node.listen.first?.port else {
                continue
            }
            let slot = ip.family == .v4 ? MB_LISTENER_POD4 : MB_LISTENER_POD6
            let address = SocketAddress(ip: ip, port: port)
            plans.append(ListenerPlan(address: address, entrance: .capture, slot: slot.rawValue))
        }
        plans += node.gateway.map { ListenerPlan(address: $0, entrance: .gateway, slot: nil) }
        let secure = node.secureGateway.map(\.address).filter(secured)
        return plans + secure.map { ListenerPlan(address: $0, entrance: .gateway, slot: nil, isSecure: true) }
    }
}
