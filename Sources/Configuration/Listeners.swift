import Catalog

/// The addresses that the broker listens on, checked against each other.
struct Listeners {
    /// nil: not in the file, the defaults hold.
    let listen: [Located<SocketAddress>]?
    let pods: [Located<IPAddress>]
    let gateway: [Located<SocketAddress>]
    let admin: Located<SocketAddress>?

    func check(defaults: Node, _ reading: Reading) {
        checkListen(reading)
        checkPods(defaults, reading)
        checkCollisions(defaults, reading)
    }

    private func checkListen(_ reading: Reading) {
        var families: [IPAddress.Family: Field] = [:]
        for address in listen ?? [] {
            let ip = address.value.ip
            if ip.isUnspecified || ip.isMulticast {
                let message =
                    "\(address.shown) cannot be where captured connections are sent; write one address, as 127.0.0.1:15001"
                reading.fault(address.field, message)
            }
            refuseSecond(of: ip.family, address.field, &families, reading)
        }
    }

    private func checkPods(_ defaults: Node, _ reading: Reading) {
        var families: [IPAddress.Family: Field] = [:]
        let listening = Set(listenAddresses(defaults).map(\.address.ip.family))
        for pod in pods {
            let ip = pod.value
            if ip.isUnspecified || ip.isMulticast || ip.isLoopback {
                let message = "\(pod.shown) cannot be reached from another network namespace; write an address as 169.254.77.1"
                reading.fault(pod.field, message)
            }
            if !listening.contains(ip.family), listen?.isEmpty != true {
                let message = "\(pod.shown) needs an address of its family in node.listen: it takes the port from there"
                reading.fault(pod.field, message)
            }
            refuseSecond(of: ip.family, pod.field, &families, reading)
        }
    }

    private func refuseSecond(
        of family: IPAddress.Family, _ field: Field, _ seen: inout [IPAddress.Family: Field], _ reading: Reading
    ) {
        if let first = seen[family] {
            let name = family == .v4 ? "IPv4" : "IPv6"
            reading.fault(field, "is a second \(name) address; \(first.key) on line \(first.line) is one already")
        }
        seen[family] = seen[family] ?? field
    }

    /// A socket that will be bound, and the field that asks for it; nil: a default.
    private struct Binding {
        let name: String
        let field: Field?
        let address: SocketAddress

        /// Whether both cannot be bound at once.
        func collides(with other: Binding) -> Bool {
            guard address.port == other.address.port, address.ip.family == other.address.ip.family else { return false }
            return address.ip == other.address.ip || address.ip.isUnspecified || other.address.ip.isUnspecified
        }
    }

    private func listenAddresses(_ defaults: Node) -> [Binding] {
        listen.map { $0.map { Binding(name: $0.field.key, field: $0.field, address: $0.value) } }
            ?? defaults.listen.map { Binding(name: "the default \($0) of node.listen", field: nil, address: $0) }
    }

    /// Pod listeners have the port of the listener of their family.
    private func bindings(_ defaults: Node) -> [Binding] {
        let listening = listenAddresses(defaults)
        let podBindings = pods.compactMap { pod in
            listening.first { $0.address.ip.family == pod.value.family }.map {
                Binding(name: pod.field.key, field: pod.field, address: SocketAddress(ip: pod.value, port: $0.address.port))
            }
        }
        let gateways = gateway.map { Binding(name: $0.field.key, field: $0.field, address: $0.value) }
        let admin =
            admin.map { Binding(name: $0.field.key, field: $0.field, address: $0.value) }
            ?? Binding(name: "the default \(defaults.admin) of node.admin", field: nil, address: defaults.admin)
        return listening + podBindings + gateways + [admin]
    }

    private func checkCollisions(_ defaults: Node, _ reading: Reading) {
        var seen: [Binding] = []
        // At most a few hundred, or the file would say the same address many times: each is reported once.
        for binding in bindings(defaults) {
            if let other = seen.first(where: { $0.collides(with: binding) }) {
                report(binding, other, reading)
            } else {
                seen.append(binding)
            }
        }
    }

    private func report(_ binding: Binding, _ other: Binding, _ reading: Reading) {
        if let field = binding.field {
            let place = other.field.map { " on line \($0.line)" } ?? ""
            reading.fault(field, "takes the same address and port as \(other.name)\(place)")
        } else if let field = other.field {
            reading.fault(field, "takes the same address and port as \(binding.name)")
        }
    }
}
