import Catalog
import Control
import Glibc
import Reactor

/// Listening sockets of the proxy before this one, until they are in use here. Those that nobody takes are closed.
struct HandedSockets: ~Copyable {
    private struct Place: Hashable {
        var address: SocketAddress
        var purpose: HandedListener.Purpose
    }

    private var sockets: [Place: [Int32]] = [:]

    deinit { for numbers in sockets.values { LinkFrame.close(numbers) } }

    /// Takes over what came beside a message. Descriptors that are not what the message says are closed.
    ///
    /// - Returns: why something was refused; nil: nothing was.
    mutating func take(_ listener: HandedListener, _ descriptors: [Int32]) -> String? {
        guard descriptors.count == Int(listener.count) else {
            LinkFrame.close(descriptors)
            return "\(descriptors.count) sockets came for \(listener.address), not \(listener.count)"
        }
        let (fitting, others) = descriptors.reduce(into: ([Int32](), [Int32]())) { parts, number in
            if ListeningSocket(number)?.address == listener.address {
                parts.0.append(number)
            } else {
                parts.1.append(number)
            }
        }
        for number in fitting { _ = fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK) }
        sockets[Place(address: listener.address, purpose: listener.purpose), default: []] += fitting
        LinkFrame.close(others)
        return others.isEmpty ? nil : "\(others.count) of those that came for \(listener.address) do not listen there"
    }

    /// Those of an address; the caller owns them.
    mutating func takeAll(_ plan: ListenerPlan) -> [Int32] {
        sockets.removeValue(forKey: Place(address: plan.address, purpose: plan.purpose)) ?? []
    }
}
