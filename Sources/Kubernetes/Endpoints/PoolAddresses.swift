package import Catalog

/// Where the pods of an InferencePool are reached. Pure.
package enum PoolAddresses {
    /// A pool has eight ports at most.
    private static let maximumPorts = 8

    /// Each pod that is ready at each of the pool's ports, sorted.
    package static func addresses(_ pool: InferencePool, _ pods: [ServingPod]) -> [SocketAddress] {
        let ports = pool.spec.targetPorts.prefix(maximumPorts).compactMap { UInt16(exactly: $0.number) }.filter { $0 > 0 }
        var addresses: Set<SocketAddress> = []
        for pod in pods where pod.isReady {
            guard let ip = pod.status?.podIP.flatMap({ IPAddress($0) }), ip.isReachable else { continue }
            for port in ports { addresses.insert(SocketAddress(ip: ip, port: port)) }
        }
        return Array(addresses.sorted { $0.orderedBefore($1) }.prefix(ServiceAddresses.limit))
    }
}
