private import CLinux
internal import Catalog
internal import Configuration
private import Control
private import Glibc
internal import KernelPlane
private import Kubernetes

/// Brings the node into the state that the agent needs, step by step, while the process has one thread and all its
/// capabilities. A step that fails takes back what this start made; what an earlier agent left stays.
struct StartSequence: ~Copyable {
    private let options: AgentOptions
    private var undo = Undo()

    private init(_ options: AgentOptions) { self.options = options }

    /// - Throws: one readable sentence, or the configuration's faults, one line each.
    static func run(_ options: AgentOptions) throws(AgentError) -> Groundwork {
        var sequence = StartSequence(options)
        do {
            return try sequence.steps()
        } catch {
            sequence.undo.run()
            throw error
        }
    }

    private mutating func steps() throws(AgentError) -> Groundwork {
        let (file, resources, catalog) = try configuration()
        let backings = ClusterFiles(directory: options.stateDirectory).knownBackings(of: catalog)
        let mount = try Preflight.check(pinDirectory: options.pinDirectory)
        let account = try Account.find(catalog.node.user)
        let program = try proxyProgram(catalog.node, account)
        let capture = Groundwork.absolute(catalog.node.cgroup, mount: mount)
        guard File.exists(capture + "/cgroup.procs") else {
            throw AgentError("node.cgroup: there is no cgroup \(catalog.node.cgroup) below \(mount); create it or name another")
        }
        let (run, lock) = try runDirectory(account)
        let stateDirectory = try StateDirectory.prepare(options.stateDirectory)
        let (accounts, accountsFault) = try accounts(run, catalog)
        let former = AgentState.read(run.statePath)
        // Before the agent joins the broker's cgroup, whose hooks would take admin callers for captured ones.
        let sockets = try sockets(run, account, catalog.node)
        // More than the proxy would be allowed to have after CAP_SYS_RESOURCE is gone.
        _ = clinux_raise_descriptor_limit(1 << 20)
        let broker = try brokerCgroup(catalog.node, mount)
        let plane = try plane(capture, broker)
        let added = try podAddresses(catalog.node, former?.podAddresses.compactMap { IPAddress($0) } ?? [])
        guard let cookie = HostFacts.hostNetnsCookie() else {
            throw AgentError(
                "the kernel does not tell the cookie of the network namespace (SO_NETNS_COOKIE); run Linux 5.14 or newer")
        }
        try dropCapabilities(catalog)
        let resolved = HurriedLookup.run(catalog.directNames)
        let drained = DrainFile(path: run.drainedPath).read(nil)
        let pods = catalog.node.kubernetes == nil ? PodTable() : PodBook.kept(run)
        let (generation, workloads, governed) = try fill(
            plane, backings.applied(to: resolved.applied(to: catalog)), mount, cookie, drained, pods)
        let qdisc = try qdisc(catalog.node, plane, run)
        let state = AgentState(
            agentPid: getpid(), proxyPid: former?.proxyPid, brokerCgroup: broker.path, pinDirectory: options.pinDirectory,
            podAddresses: added.map(\.description))
        try state.write(run.statePath)
        return Groundwork(
            options: options, run: run, state: stateDirectory, accounts: accounts, accountsFault: accountsFault, mount: mount,
            broker: broker, account: account, proxyProgram: program, plane: plane,
            hostNetnsCookie: cookie, configuration: file.bytes, catalog: catalog, resources: resources,
            verdicts: file.verdicts, generation: generation, workloads: workloads, pods: pods, governed: governed,
            resolved: resolved, backings: backings, podAddresses: added, qdisc: qdisc,
            controlSocket: sockets.control, proxySocket: sockets.proxy, adminSocket: sockets.admin,
            lock: lock, earlierProxy: BrokerCgroup.processes(in: broker.proxy))
    }

    private func configuration() throws(AgentError) -> (ConfigurationFile, [Resource], Catalog) {
        do {
            let resources = ClusterFiles(directory: options.stateDirectory).knownResources
            let file = try ConfigurationFile.read(options.configuration, resources: resources)
            return (file, resources, try file.result.get())
        } catch let refused as ConfigurationFile.Refused {
            throw AgentError(refused.faults.map { "\(options.configuration): \($0)" }.joined(separator: "\n"))
        } catch {
            throw AgentError("\(error)")
        }
    }

    private func proxyProgram(_ node: Node, _ account: Account) throws(AgentError) -> String? {
        guard node.proxy == .spawn else { return nil }
        let own = File.resolved("/proc/self/exe") ?? ""
        let path = File.resolved(options.proxy ?? File.directory(of: own) + "/modelbroker-proxy")
        guard let path, access(path, X_OK) == 0 else {
            throw AgentError(
                "there is no program \(options.proxy ?? "modelbroker-proxy beside modelbrokerd"); name it with --proxy")
        }
        if let barrier = account.barrier(to: path) {
            throw AgentError("node.user: \(account.name) may not enter \(barrier), where \(path) is; install it elsewhere")
        }
        return path
    }

    private mutating func runDirectory(_ account: Account) throws(AgentError) -> (RunDirectory, InstanceLock) {
        let run = try RunDirectory.prepare(options.runDirectory)
        undo.add { if run.isNew { rmdir(run.path) } }
        if let barrier = account.barrier(to: run.proxySocketPath) {
            throw AgentError("node.user: \(account.name) may not enter \(barrier); choose another --run-dir")
        }
        let lock = try Patience.retry { () throws(AgentError) in try InstanceLock.take(run.lockPath) }
        undo.add {
            if run.isNew { unlink(run.lockPath) }
            lock.release()
        }
        return (run, lock)
    }

    /// The page of accounts, with room for the limits of the configuration.
    private mutating func accounts(
        _ run: RunDirectory, _ catalog: Catalog
    ) throws(AgentError) -> (file: AccountFile, fault: String?) {
        let wasThere = File.exists(run.accountsPath)
        let opened = try AccountFile.open(run.accountsPath, boot: .current)
        undo.add { if !wasThere { unlink(run.accountsPath) } }
        _ = try opened.file.assign(catalog.accounts.map(\.text))
        return opened
    }

    private mutating func sockets(
        _ run: RunDirectory, _ account: Account, _ node: Node
    ) throws(AgentError) -> (control: Int32, proxy: Int32, admin: Int32) {
        let admin = try Patience.retry { () throws(AgentError) in try Listener.tcp(node.admin) }
        undo.add { close(admin) }
        let control = try Listener.unix(run.controlSocketPath, owner: 0)
        undo.add {
            close(control)
            unlink(run.controlSocketPath)
        }
        let proxy = try Listener.unix(run.proxySocketPath, owner: account.uid)
        undo.add {
            close(proxy)
            unlink(run.proxySocketPath)
        }
        return (control, proxy, admin)
    }

    private mutating func brokerCgroup(_ node: Node, _ mount: String) throws(AgentError) -> BrokerCgroup {
        let broker = try BrokerCgroup.join(Groundwork.absolute(node.effectiveBrokerCgroup, mount: mount), mount: mount)
        undo.add {
            broker.leave(mount: mount)
            _ = BrokerCgroup.remove(broker.made)
        }
        return broker
    }

    private mutating func plane(_ capture: String, _ broker: BrokerCgroup) throws(AgentError) -> KernelPlane {
        let location = PlaneLocation(
            pinDirectory: options.pinDirectory, captureCgroup: capture, brokerCgroup: broker.path)
        // Held for as long as the process lives.
        let lock = try Patience.retry { [options] () throws(AgentError) in
            try InstanceLock.take(pinDirectory: options.pinDirectory)
        }
        undo.add { lock?.release() }
        do {
            let plane = try KernelPlane.open(location)
            if !plane.adopted { undo.add { [options] in _ = try? PlaneRemoval.detach(pinDirectory: options.pinDirectory) } }
            if lock == nil { _ = try InstanceLock.take(pinDirectory: options.pinDirectory) }
            return plane
        } catch {
            throw AgentError("\(error)")
        }
    }

    /// - Parameter former: what an earlier agent added.
    private mutating func podAddresses(_ node: Node, _ former: [IPAddress]) throws(AgentError) -> [IPAddress] {
        var ours: [IPAddress] = []
        for address in node.podAddresses {
            if try PodAddresses.ensure(address) {
                undo.add { PodAddresses.remove(address) }
                ours.append(address)
            } else if former.contains(address) {
                ours.append(address)
            }
        }
        for address in former where !node.podAddresses.contains(address) { PodAddresses.remove(address) }
        return ours
    }

    /// Puts the tree on its device, and takes those of an earlier agent off the others.
    private mutating func qdisc(_ node: Node, _ plane: KernelPlane, _ run: RunDirectory) throws(AgentError) -> QdiscKeeper {
        var keeper = QdiscKeeper(runDirectory: run.path)
        if let qdisc = node.qdisc, try keeper.stand(on: qdisc, try plane.qdiscModels()) == .built {
            undo.add { [keeper] in
                var keeper = keeper
                _ = keeper.withdraw { $0 == qdisc.device }
            }
        }
        _ = keeper.withdraw(except: node.qdisc?.device)
        return keeper
    }

    private func dropCapabilities(_ catalog: Catalog) throws(AgentError) {
        let node = catalog.node
        let threads = (try? File.text("/proc/self/status"))?.split(separator: "\n").first { $0.hasPrefix("Threads:") }
        guard let threads, threads.split(separator: "\t").last == "1" else {
            throw AgentError("cannot drop capabilities: the process has more than one thread")
        }
        // Files, cgroups and sockets of root's are reached as root; links are updated and maps written with these three.
        // The proxy, and servers that have a user of their own, are started and signalled as that user.
        let becomesUsers = node.proxy == .spawn || catalog.engineSpecs.contains { $0.activation.method.program?.user != nil }
        let kept = Capability.plane + (becomesUsers ? [.setuid, .setgid] : [])
        do {
            try Privileges.keepOnly(kept)
        } catch {
            throw AgentError("\(error)")
        }
    }

    /// Puts the configuration into the kernel, with what is left of the capabilities.
    private func fill(
        _ plane: KernelPlane, _ catalog: Catalog, _ mount: String, _ cookie: UInt64, _ drained: Set<String>,
        _ pods: PodTable
    ) throws(AgentError) -> (generation: UInt64, workloads: [UInt64: WorkloadEntry], governed: Governed) {
        let table = WorkloadTable(catalog, pods: pods)
        let workloads = table.entries(for: CgroupScan.tree(mount: mount, node: catalog.node))
        do {
            let former = plane.adopted ? try plane.inspector().settings().generation : 0
            let settings = PlaneSettings(generation: former + 1, hostNetnsCookie: cookie, node: catalog.node)
            var governed = Governed.admitted(catalog, to: plane)
            // What fails here is said and done again when the agent runs.
            let sets = DirectSets(catalog).sets(governed.slots, usable: [:]) { drained.contains($0.url) }
            try? DirectPlane(plane).apply(sets)
            try plane.apply(settings: settings, rules: catalog.rules, workloads: workloads, slots: governed.slots)
            governed.settle(plane)
            return (former + 1, workloads, governed)
        } catch {
            throw AgentError("\(error)")
        }
    }
}
