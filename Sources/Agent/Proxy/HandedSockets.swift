private import CLinux
private import Catalog
internal import Control
private import Glibc
private import Synchronization

/// The listening sockets that a proxy has handed over, on their way to the one that replaces it. As long as somebody has
/// them, connects find a listener: so whoever does not need them any more lets go of this object at once.
final class HandedSockets: Sendable {
    struct Portion: Sendable {
        let listener: HandedListener
        let descriptors: PassedDescriptors
    }

    let portions: [Portion]

    init(_ portions: [Portion]) { self.portions = portions }

    var count: Int { portions.reduce(0) { $0 + Int($1.listener.count) } }
}

/// Gathers what a proxy sends when it is asked for its listeners. A proxy is not to be trusted with more than its own work:
/// what it sends has to be what it says.
struct HandOver: Sendable {
    /// Sockets of a proxy at most: of each entrance one for each event loop, and some that it took over itself.
    private let limit: Int

    private var portions: [HandedSockets.Portion] = []
    private var count = 0
    private var fault: String?
    private let netnsCookie: UInt64

    /// - Parameter netnsCookie: of the network namespace that the sockets have to be of; 0: of any.
    init(netnsCookie: UInt64, limit: Int = 4096) {
        self.netnsCookie = netnsCookie
        self.limit = limit
    }

    /// Takes sockets that came beside a message.
    mutating func take(_ listener: HandedListener, _ descriptors: PassedDescriptors) {
        guard fault == nil else { return }
        let numbers = descriptors.numbers
        guard numbers.count == Int(listener.count) else {
            fault = "\(numbers.count) descriptors came for \(listener.address), not \(listener.count)"
            return
        }
        count += numbers.count
        guard count <= limit else {
            fault = "more than \(limit) sockets came"
            return
        }
        for number in numbers where fault == nil { fault = problem(listener, number) }
        portions.append(HandedSockets.Portion(listener: listener, descriptors: descriptors))
    }

    /// The proxy says that these were all.
    ///
    /// - Throws: what was wrong with them; they are closed then.
    func finish(_ announced: UInt32) throws(AgentError) -> HandedSockets {
        if let fault { throw AgentError("it handed over what can't be used: \(fault)") }
        guard count == Int(announced) else { throw AgentError("it handed over \(count) sockets and says \(announced)") }
        return HandedSockets(portions)
    }

    private func problem(_ listener: HandedListener, _ number: Int32) -> String? {
        var facts = clinux_listener()
        guard clinux_look_at_listener(number, &facts) == 0 else {
            return "a descriptor for \(listener.address) is no listening socket"
        }
        guard Self.address(of: number) == listener.address else { return "a socket for \(listener.address) listens elsewhere" }
        guard netnsCookie == 0 || facts.netns == 0 || facts.netns == netnsCookie else {
            return "a socket for \(listener.address) is of another network namespace"
        }
        return nil
    }

    private static func address(of number: Int32) -> SocketAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(number, $0, &length) == 0 ? SocketAddress($0) : nil
            }
        }
    }
}
