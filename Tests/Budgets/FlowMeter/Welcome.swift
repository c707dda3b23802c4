import Catalog
import Control

/// The agent's first message to a proxy with one event loop and a gateway, its length before it.
enum Welcome {
    static func frame(gateway: UInt16, upstream: UInt16) -> [UInt8] {
        let loopback = IPAddress(v4: 127, 0, 0, 1)
        let engine = SocketAddress(ip: loopback, port: upstream)
        let endpoint = Endpoint(host: "127.0.0.1", port: upstream, authority: engine.description, addresses: [engine])
        let node = Node(listen: [], gateway: [SocketAddress(ip: loopback, port: gateway)], workers: 1)
        let catalog = Catalog(node: node, models: [Model(name: Sample.model, endpoints: [endpoint])])
        let message = AgentMessage.welcome(
            ProxySettings(generation: 1, catalog: catalog, hostNetnsCookie: 1, slots: [Sample.slot])
        ).encoded()
        return withUnsafeBytes(of: UInt32(message.count).littleEndian) { Array($0) } + message
    }
}
