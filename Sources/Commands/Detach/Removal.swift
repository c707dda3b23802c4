internal import Catalog
internal import Control
internal import ControlCoding
private import Glibc
internal import KernelPlane

/// Removes every trace of the broker, with the agent's help or without.
package struct Removal {
    private var report = RemovalReport()
    private let runDirectory: String

    private init(runDirectory: String) { self.runDirectory = runDirectory }

    /// Pins go before processes: once nothing is captured, nobody misses the proxy.
    package static func run(runDirectory: String, pinDirectory: String, client: ControlClient) -> RemovalReport {
        var removal = Removal(runDirectory: runDirectory)
        // The agent takes its notes with it, so they are read first.
        let state = removal.state(client)
        removal.dismissAgent(client)
        let cgroup = state?.brokerCgroup ?? removal.exemptCgroup(pinDirectory)
        for directory in Set([pinDirectory, state?.pinDirectory ?? pinDirectory]).sorted() { removal.removePins(directory) }
        if let cgroup { removal.removeCgroup(cgroup) }
        for address in state?.podAddresses ?? [] { removal.removeAddress(address) }
        removal.restoreQdiscs()
        removal.removeFiles()
        return removal.report
    }

    private mutating func state(_ client: ControlClient) -> BrokerState? {
        let path = "\(runDirectory)/\(BrokerState.fileName)"
        if access(path, F_OK) == 0 {
            do {
                return try ControlLine.decode(BrokerState.self, from: TextFile.read(path).utf8)
            } catch {
                report.failed.append("\(path) cannot be used: \(error)")
            }
        }
        guard let kernel = try? client.ask(.status, for: StatusReport.self).kernel, !kernel.brokerCgroup.isEmpty else {
            return nil
        }
        return BrokerState(brokerCgroup: kernel.brokerCgroup, pinDirectory: kernel.pinDirectory)
    }

    private mutating func dismissAgent(_ client: ControlClient) {
        do {
            switch try Farewell.agent(client) {
            case .absent: break
            case .gone(let pid): report.agent = pid
            case .lingers(let pid): report.failed.append("the agent, pid \(pid), was asked to detach but did not exit in time")
            }
        } catch {
            report.failed.append("could not ask the agent to detach: \(error)")
        }
    }

    /// The broker's cgroup as the pinned maps know it, for want of the agent's notes. What does not look like the
    /// broker's own, with nothing but `agent`, `proxy` and `engines` below it, is left alone.
    private func exemptCgroup(_ pinDirectory: String) -> String? {
        guard let workloads = try? PlaneInspector(pinDirectory: pinDirectory).workloads() else { return nil }
        let paths = workloads.filter(\.value.exempt).compactMap { HostFacts.cgroupPath(id: $0.key) }
        guard paths.count == 1, let path = paths.first else { return nil }
        // Proxies that were replaced and drained are in cgroups of their own.
        let children = Set(CgroupTree.children(of: path).filter { !$0.hasPrefix("retired-") })
        return !children.isEmpty && children.isSubset(of: ["agent", "proxy", "engines"]) ? path : nil
    }

    private mutating func removePins(_ directory: String) {
        do {
            report.removed += try PlaneRemoval.detach(pinDirectory: directory)
        } catch {
            report.failed.append(error.description)
        }
    }

    private mutating func removeCgroup(_ path: String) {
        guard access(path, F_OK) == 0 else { return }
        do {
            report.removed += try CgroupTree.remove(path, mount: HostFacts.cgroup2Mount(), own: CgroupTree.own())
        } catch {
            report.failed.append(error.description)
        }
    }

    private mutating func removeAddress(_ text: String) {
        guard let address = IPAddress(text) else {
            report.failed.append("the pod address \"\(text)\" is no address")
            return
        }
        do {
            if try LoopbackAddress.remove(address) { report.removed.append("address \(address) of lo") }
        } catch {
            report.failed.append(error.description)
        }
    }

    /// Puts back what stood on devices before the agent put its trees there; the notes stay if that cannot be.
    private mutating func restoreQdiscs() {
        do {
            let failures = report.failed.count
            for record in try QdiscNotes.read(runDirectory) { restore(record) }
            guard report.failed.count == failures else { return }
            let path = QdiscNotes.path(runDirectory)
            if unlink(path) == 0 { report.removed.append(path) }
        } catch {
            report.failed.append(error.description)
        }
    }

    private mutating func restore(_ record: QdiscRecord) {
        do {
            let stood = try QdiscTree(device: record.device).restore(record.former)
            if stood { report.removed.append("HTB tree of \(record.device)") }
        } catch {
            // A device that has gone has taken its tree along.
            if error.errno != ENODEV { report.failed.append(error.description) }
        }
    }

    /// What is kept of servers that the agent started; they have ended with the broker's cgroup.
    private mutating func removeEngineFiles() {
        let path = "\(runDirectory)/engines"
        guard let directory = opendir(path) else { return }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name == "notes.json" || name.hasSuffix(".out") { unlink("\(path)/\(name)") }
        }
        if rmdir(path) == 0 { report.removed.append(path) }
    }

    private mutating func removeFiles() {
        for name in [ControlLine.socketName, "proxy.sock", BrokerState.fileName, BrokerState.drainedFileName] {
            let path = "\(runDirectory)/\(name)"
            if unlink(path) == 0 {
                report.removed.append(path)
            } else if errno != ENOENT && errno != ENOTDIR {
                report.failed.append("cannot remove \(path): \(errorText(errno))")
            }
        }
        removeEngineFiles()
        // Somebody else's files in it keep it.
        if rmdir(runDirectory) == 0 { report.removed.append(runDirectory) }
    }
}
