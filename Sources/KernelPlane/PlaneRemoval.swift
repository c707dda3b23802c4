internal import BPF
import Glibc

/// Takes the plane out of the kernel.
package enum PlaneRemoval {
    /// Detaches the programs and removes every link and map pin and the pin directory; returns what was removed, in words.
    /// Nothing there: an empty list. Works on pins of any version and on half of them.
    package static func detach(pinDirectory: String) throws(KernelPlaneError) -> [String] {
        let pins = PinDirectory(path: pinDirectory)
        guard pins.exists else { return [] }
        guard HostFacts.isOnBPFFileSystem(pinDirectory) else {
            throw KernelPlaneError(operation: "detach", object: pinDirectory, hint: "that is not on a BPF file system")
        }
        var removed: [String] = []
        for name in detachOrder(PinDirectory.names(in: pins.links)) {
            let words = try inPlane { () throws(BPFError) in try detachLink(pins.links + "/" + name, name) }
            removed.append(words)
        }
        for name in PinDirectory.names(in: pins.maps) {
            try inPlane { () throws(BPFError) in try Pin.remove(pins.maps + "/" + name) }
            removed.append("map \(name)")
        }
        for name in PinDirectory.names(in: pins.programs) {
            try inPlane { () throws(BPFError) in try Pin.remove(pins.programs + "/" + name) }
        }
        try pins.clearAside()
        for directory in [pins.links, pins.programs, pins.maps, pins.path] where try PinDirectory.removeDirectory(directory) {
            removed.append("directory \(directory)")
        }
        return removed
    }

    /// Capturing ends first.
    private static func detachOrder(_ names: [String]) -> [String] {
        let order = PlaneProgram.allCases.reversed().map(\.rawValue)
        return order.filter(names.contains) + names.filter { !order.contains($0) }
    }

    private static func detachLink(_ pin: String, _ name: String) throws(BPFError) -> String {
        let words = "link \(name)" + endLink(pin, name)
        try Pin.remove(pin)
        return words
    }

    /// Where the link was attached, in words. Opening fails for what is no link of ours; its pin goes all the same.
    private static func endLink(_ pin: String, _ name: String) -> String {
        do {
            guard let pinned = try Pin.open(pin) else { return "" }
            let link = BPFLink(pinned, object: name)
            let facts = try link.facts()
            guard !facts.isIterator else { return "" }
            guard facts.isCgroupLink, facts.cgroup != 0 else { return " (its cgroup has gone)" }
            try link.detach()
            return " from " + (HostFacts.cgroupPath(id: facts.cgroup) ?? "cgroup \(facts.cgroup)")
        } catch {
            return " (\(error))"
        }
    }
}
