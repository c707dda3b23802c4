internal import Catalog
internal import Configuration
internal import Control
internal import Kubernetes
internal import Logging

/// What the cluster adds to the configuration: custom resources, and the addresses of services and pools.
extension Broker {
    /// Lays these resources over the file that is in force.
    func overlay(_ new: [Resource]) async {
        (resources, areResourcesHeard) = (new, true)
        await overlay()
        // With the verdict goes what use was made, which it would take away otherwise.
        nextObservation = 0
        await observe()
    }

    /// Tries what the resources ask for; what of it cannot be put into force is tried again.
    func overlay() async {
        let file = ConfigurationFile(bytes: lastGood, resources: resources)
        let faults: [String]
        switch file.result {
        case .failure(let refused): faults = refused.faults
        case .success(let new): faults = await adopt(new)
        }
        isOverlayBehind = !faults.isEmpty
        guard faults.isEmpty else {
            let reason = faults.joined(separator: "; ")
            logger.error("custom resources are not in force", metadata: ["reason": "\(reason)"])
            let detail = "custom resources: \(reason)"
            surroundings.hub.publish(EventReport(time: Timestamp.now(), kind: .reloadFailed, detail: detail))
            return
        }
        guard verdicts != file.verdicts else { return follow() }
        tell(of: file.verdicts)
        verdicts = file.verdicts
        follow()
        let accepted = verdicts.values.count(where: \.isAccepted)
        logger.notice(
            "custom resources are in force",
            metadata: ["accepted": "\(accepted)", "refused": "\(verdicts.count - accepted)", "generation": "\(generation)"])
        surroundings.hub.publish(
            EventReport(
                time: Timestamp.now(), kind: .reloaded,
                detail: "generation \(generation), custom resources: \(accepted) in force, \(verdicts.count - accepted) refused"))
    }

    /// Those that are refused now and were not so before.
    private func tell(of new: [ResourceKey: ResourceVerdict]) {
        for (key, verdict) in new.sorted(by: { $0.key < $1.key }) where verdicts[key] != verdict {
            guard case .refused(let reason, let message) = verdict else { continue }
            logger.warning(
                "a custom resource is not taken",
                metadata: ["resource": "\(key)", "reason": "\(reason.rawValue)", "fault": "\(message)"])
        }
    }

    /// Has what stands for endpoints followed, and the resources told what became of them.
    func follow() {
        let cluster = catalog.node.kubernetes
        surroundings.resources.adopt(cluster)
        surroundings.backings.adopt(cluster, whole(catalog).backings)
        let generations = Dictionary(resources.map { ($0.key, $0.generation) }) { first, _ in first }
        surroundings.statuses.adopt(
            cluster,
            // What is only known from before may be old.
            areResourcesHeard ? verdicts.map { (key: $0.key, verdict: $0.value, generation: generations[$0.key] ?? 0) } : [])
    }

    /// Tells the resources what use is made of what they ask for, once in a while.
    func observe() async {
        guard let cluster = catalog.node.kubernetes, cluster.followsResources, cluster.status == .all, let usage = cluster.usage,
            verdicts.values.contains(where: \.isAccepted), Clocks.monotonic() >= nextObservation
        else { return }
        // Not without the proxy: what it does not say is not zero.
        guard let numbers = await statistics(), let routing = await routing() else { return }
        let interval = UInt64(usage) * 1_000_000
        nextObservation = Clocks.monotonic() + interval
        let counts = ResourceUse.Counts(numbers, routing.routes)
        let uses = resources.compactMap { resource in ResourceUse.of(resource, counts).map { (resource.key, $0) } }
        surroundings.statuses.observe(Dictionary(uses) { first, _ in first }, interval: interval)
    }

    /// Servers have come and gone behind services and pools.
    func take(_ new: Backings) async {
        guard new != backings else { return }
        backings = new
        do {
            try await enforce(catalog)
        } catch {
            logger.error("cannot put new addresses of the cluster into force", metadata: ["reason": "\(error.reason)"])
        }
    }

    /// `Model/llama`, by the name of what each resource has made.
    var makers: [String: String] {
        var makers: [String: String] = [:]
        for resource in resources where verdicts[resource.key]?.isAccepted == true {
            if let name = resource.callableName { makers[name] = "\(resource.key)" }
        }
        return makers
    }

    /// What is not followed as it should be, beside the pods, or cannot be told, one sentence each.
    var clusterComplaints: [String] {
        let watches = [
            ("custom resources", surroundings.resources.service), ("services and pools", surroundings.backings.service),
        ]
        var complaints = watches.compactMap { what, watch -> String? in
            guard case .away(let reason)? = watch.state?.condition else { return nil }
            return "\(what) of the cluster are as last known: \(reason)"
        }
        if let fault = surroundings.statuses.complaint {
            complaints.append("the status of custom resources can't be written: \(fault)")
        }
        return complaints
    }

    var clusterPage: ClusterPage {
        let watches = [surroundings.cluster, surroundings.resources.service, surroundings.backings.service]
        let isFollowed = catalog.node.kubernetes?.followsResources == true
        return ClusterPage(states: watches.compactMap(\.state), verdicts: isFollowed ? verdicts : nil)
    }

    /// What became of each; nil: the configuration has nothing to do with resources.
    var resourceReports: [StatusReport.Resource]? {
        guard catalog.node.kubernetes?.followsResources == true else { return nil }
        return verdicts.sorted { $0.key < $1.key }.map {
            StatusReport.Resource(
                name: "\($0.key)", isAccepted: $0.value.isAccepted, reason: $0.value.reason, message: $0.value.message)
        }
    }
}
