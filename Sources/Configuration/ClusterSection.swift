import Catalog

/// `node.kubernetes`: the cluster whose node this is.
struct ClusterSection {
    private static let keys = KnownKeys(
        ["server", "tokenFile", "caFile", "node", "capture", "cgroups"] + ClusterResourceKeys.keys)
    /// Where a pod finds what its service account needs.
    private static let account = "/var/run/secrets/kubernetes.io/serviceaccount"

    /// nil: no cluster, or after a fault. What the environment of a pod should say and does not is no fault: the file may be
    /// looked at elsewhere, and the agent says what it misses.
    static func read(_ field: Field, _ reading: Reading) -> Cluster? {
        guard !field.isNull else { return nil }
        let fields = reading.members(field, keys)
        guard case .mapping = field.value.content else { return nil }
        var cluster = inside(reading)
        if let server = fields["server"] {
            cluster.server = reading.value(server, Self.server)?.value ?? ""
            (cluster.tokenFile, cluster.caFile) = (nil, nil)
        }
        if let token = fields["tokenFile"] { cluster.tokenFile = reading.value(token, FilePath.exchanged)?.value }
        if let authorities = fields["caFile"] {
            cluster.caFile = reading.value(authorities, FilePath.exchanged)?.value
            if fields["server"] != nil, !cluster.server.isEmpty, !ServiceURL.isSecure(cluster.server) {
                reading.fault(authorities, "has no meaning with an http server; leave it out")
            }
        }
        reading.set(&cluster.node, fields["node"], Self.name)
        reading.set(&cluster.capture, fields["capture"]) { text throws(Refusal) in
            try NameText.word(text, of: Cluster.Capture.self)
        }
        if let cgroups = fields["cgroups"] {
            cluster.cgroups = reading.values(cgroups, NameText.cgroup).map(\.value)
            if cgroups.isEmptyList || cgroups.isNull { reading.fault(cgroups, "names no cgroup; write [/kubepods.slice]") }
            if cluster.cgroups.count > Limits.podCgroups {
                reading.fault(cgroups, "has \(cluster.cgroups.count) cgroups; at most \(Limits.podCgroups) are possible")
            }
        }
        ClusterResourceKeys.read(&cluster, fields, reading)
        return cluster
    }

    /// As a pod of the cluster knows it.
    private static func inside(_ reading: Reading) -> Cluster {
        var server = ""
        if let host = reading.variable("KUBERNETES_SERVICE_HOST"), !host.isEmpty {
            let port = reading.variable("KUBERNETES_SERVICE_PORT") ?? "443"
            server = host.contains(":") ? "https://[\(host)]:\(port)" : "https://\(host):\(port)"
        }
        return Cluster(
            server: server, tokenFile: account + "/token", caFile: account + "/ca.crt",
            node: reading.variable("NODE_NAME") ?? "")
    }

    private static func server(_ text: String) throws(Refusal) -> String {
        let url = try ServiceURL.read(text, because: "the token would go there for all to read")
        let authority = url.dropFirst(ServiceURL.isSecure(url) ? 8 : 7)
        guard !authority.dropLast(authority.hasSuffix("/") ? 1 : 0).contains(where: { $0 == "/" || $0 == "?" }) else {
            throw Refusal("has a path; write https://HOST:PORT")
        }
        return url.hasSuffix("/") ? String(url.dropLast()) : url
    }

    /// Of a node: a DNS subdomain.
    private static func name(_ text: String) throws(Refusal) -> String {
        let isName = text.utf8.allSatisfy { byte in
            (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x2D || byte == 0x2E
        }
        guard (1...253).contains(text.utf8.count), isName else {
            throw Refusal("is not the name of a node: small letters, digits, hyphens and dots")
        }
        return text
    }
}
