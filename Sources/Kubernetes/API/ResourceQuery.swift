/// Which objects are asked for, and how the request's target says so.
package struct ResourceQuery: Hashable, Sendable {
    /// `/api/v1/pods`, `/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices`.
    package var path: String
    /// `spec.nodeName=n1`; nil: all.
    package var fieldSelector: String?
    package var labelSelector: String?

    package init(path: String, fieldSelector: String? = nil, labelSelector: String? = nil) {
        self.path = path
        self.fieldSelector = fieldSelector
        self.labelSelector = labelSelector
    }

    /// - Parameters:
    ///   - group: empty: the core group.
    ///   - namespace: nil: objects of all namespaces, or of none.
    package init(
        group: String, version: String, plural: String, namespace: String? = nil, fieldSelector: String? = nil,
        labelSelector: String? = nil
    ) {
        let root = group.isEmpty ? "/api/\(version)" : "/apis/\(group)/\(version)"
        let place = namespace.map { "/namespaces/\(Self.escaped($0))" } ?? ""
        self.init(path: "\(root)\(place)/\(plural)", fieldSelector: fieldSelector, labelSelector: labelSelector)
    }

    /// The path of one object of theirs.
    package func path(of key: ObjectKey) -> String {
        guard !key.namespace.isEmpty, !path.contains("/namespaces/"), let slash = path.lastIndex(of: "/") else {
            return "\(path)/\(Self.escaped(key.name))"
        }
        return "\(path[..<slash])/namespaces/\(Self.escaped(key.namespace))\(path[slash...])/\(Self.escaped(key.name))"
    }

    /// - Parameters:
    ///   - version: no older than this, where there is no limit, or else just this; nil: the newest; "0": whatever the server has
    ///     at hand.
    ///   - token: where the page before ended.
    package func list(version: String?, limit: Int?, continuing token: String?) -> String {
        var items = selectors
        if let limit { items.append(("limit", "\(limit)")) }
        // The token stands for a version of its own.
        if let token { items.append(("continue", token)) } else if let version { items.append(("resourceVersion", version)) }
        return target(items)
    }

    /// - Parameter seconds: after which the server ends the watch.
    package func watch(from version: String, seconds: Int) -> String {
        target(
            selectors + [
                ("watch", "1"), ("allowWatchBookmarks", "true"), ("resourceVersion", version), ("timeoutSeconds", "\(seconds)"),
            ])
    }

    private var selectors: [(String, String)] {
        [("fieldSelector", fieldSelector), ("labelSelector", labelSelector)].compactMap { name, value in
            value.map { (name, $0) }
        }
    }

    private func target(_ items: [(String, String)]) -> String {
        guard !items.isEmpty else { return path }
        return path + "?" + items.map { "\($0.0)=\(Self.escaped($0.1))" }.joined(separator: "&")
    }

    /// All but RFC 3986's unreserved characters as %XX.
    package static func escaped(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF")
        var escaped = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                escaped.unicodeScalars.append(Unicode.Scalar(byte))
            default: escaped += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
        return escaped
    }
}
