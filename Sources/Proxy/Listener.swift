import CBrokerABI
import Catalog
import Control
import Glibc
import Reactor
import Synchronization

/// A listening address: one socket for each event loop, sharing the port (SO_REUSEPORT).
struct Listener: Sendable {
    let id: Int
    let address: SocketAddress
    let entrance: FlowRecord.Entrance
    /// Callers speak TLS.
    let isSecure: Bool
    /// Which event loop this copy is for.
    var share: Int
    private let sockets: ListenerSockets

    /// Opens the sockets for `shares` event loops.
    init(id: Int, _ plan: ListenerPlan, shares: Int) throws(SystemError) {
        self.id = id
        address = plan.address
        entrance = plan.entrance
        isSecure = plan.isSecure
        share = 0
        sockets = try ListenerSockets(plan.address, shares)
    }

    func descriptor(of share: Int) -> Int32 { sockets.numbers[share] }
}

/// Owns the sockets of a listener; they close when the last copy of the listener is gone.
private final class ListenerSockets: Sendable {
    let numbers: [Int32]

    init(_ address: SocketAddress, _ shares: Int) throws(SystemError) {
        var opened: [Int32] = []
        do throws(SystemError) {
            for _ in 0..<shares { opened.append(try Socket.listen(address).take()) }
        } catch {
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
