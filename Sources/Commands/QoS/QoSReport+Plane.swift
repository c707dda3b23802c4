internal import Catalog
internal import Control
package import KernelPlane

extension QoSReport {
    /// What the pinned maps say of a model.
    package init(_ model: ModelQoS) {
        let entry = QoSSettings(configured: model.configured, live: model.live, inForce: model.inForce)
        self.init(
            model: model.name, slot: model.slot, access: model.isPrivate ? "private" : "public", version: model.version,
            settings: entry.byName)
        changed = model.changed.map { Change(time: Self.time($0.timeNanoseconds), uid: $0.uid) }
        for (kind, bucket) in model.buckets { buckets["\(kind)"] = Bucket(bucket) }
        connections.open = model.open
        connections.cap = model.inForce.connections.flatMap { $0 == QoS.unlimited ? nil : $0 }
        connections.admitted = model.connects
        connections.observed = model.observedConnections
        sockets.tagged = model.tagged
        sockets.requests = .init(active: model.active.requests, share: model.share?.requests)
        sockets.responses = .init(active: model.active.responses, share: model.share?.responses)
        sockets.applied = model.applied
        sockets.applyFailed = model.applyFailed
        refusals = model.refusals.map { Refusal(client: $0.client, reason: $0.reason.text, count: $0.count) }
    }

    private static func time(_ nanoseconds: UInt64) -> String {
        Timestamp.text(seconds: Int(nanoseconds / 1_000_000_000), milliseconds: Int(nanoseconds / 1_000_000 % 1000))
    }
}

extension QoSReport.Bucket {
    fileprivate init(_ reading: BucketReading) {
        self.init(
            level: reading.level, capacity: reading.capacity, owed: reading.owed, admitted: reading.admitted,
            refused: reading.refused, observed: reading.observed, contended: reading.contended)
    }
}
