/// Which pod, and which of its containers, a cgroup belongs to, by its path. Both of the kubelet's drivers are understood:
/// `kubepods-burstable-pod<uid>.slice/cri-containerd-<id>.scope` (systemd) and `burstable/pod<uid>/<id>` (cgroupfs).
package struct PodCgroup: Hashable, Sendable {
    /// As the kubelet calls the pod: with hyphens, where it has any.
    package let uid: String
    /// The runtime's id of the container; nil: the cgroup is the pod's own, or of something beside its containers.
    package let container: String?

    /// - Parameters:
    ///   - path: below the cgroup v2 mount.
    ///   - roots: where the kubelet keeps pods. What is elsewhere is no pod's, and what is inside of a pod's cgroup is that
    ///     pod's, whatever it is called.
    package init?(_ path: String, below roots: [String]) {
        guard let root = roots.first(where: { path.hasPrefix($0 == "/" ? "/" : $0 + "/") }) else { return nil }
        var rest = path.dropFirst(root == "/" ? 1 : root.utf8.count + 1).split(
            separator: "/", maxSplits: 3, omittingEmptySubsequences: false)[...]
        if let first = rest.first, Self.isClass(first) { rest = rest.dropFirst() }
        guard let first = rest.popFirst() else { return nil }
        // The runtime has another driver than the kubelet.
        let parts = first.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 1 || parts.count == 3, let uid = Self.uid(parts[0]) else { return nil }
        self.uid = uid
        container = parts.count == 3 ? Self.identifier(parts[2]) : rest.first.flatMap(Self.container)
    }

    /// A class of service, in which pods are.
    private static func isClass(_ name: Substring) -> Bool {
        ["burstable", "besteffort"].contains { name == $0 || name.hasSuffix("-\($0).slice") }
    }

    private static func uid(_ name: Substring) -> String? {
        if name.hasSuffix(".slice") {
            // Units have hyphens for slashes.
            guard let start = name.range(of: "-pod", fromEndOf: name) else { return nil }
            return identifier(name[start...].dropLast(6), "_").map { String($0.map { $0 == "_" ? "-" : $0 }) }
        }
        return name.hasPrefix("pod") ? identifier(name.dropFirst(3), "-") : nil
    }

    private static func container(_ name: Substring) -> String? {
        let unit = name.hasSuffix(".scope") ? name.dropLast(6) : name
        guard let hyphen = unit.lastIndex(of: "-") else { return identifier(unit) }
        // What watches over the container is none.
        return unit[..<hyphen].hasSuffix("conmon") ? nil : identifier(unit[unit.index(after: hyphen)...])
    }

    /// Letters, digits and `other`; nil: something else, or too long.
    private static func identifier(_ text: Substring, _ other: Character? = nil) -> String? {
        let isOne = text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) || $0 == other }
        return isOne && (1...128).contains(text.utf8.count) ? String(text) : nil
    }
}

extension Substring {
    /// Behind the last occurrence.
    fileprivate func range(of text: String, fromEndOf whole: Substring) -> Index? {
        var index = whole.endIndex
        while index > whole.startIndex {
            index = whole.index(before: index)
            if whole[index...].hasPrefix(text) { return whole.index(index, offsetBy: text.count) }
        }
        return nil
    }
}
