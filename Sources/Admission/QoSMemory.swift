private import CBrokerABI
package import Catalog

/// The two maps in memory of this process: for tests and measurements, where there is no kernel plane to map them from.
/// It writes entries as the kernel plane does, one writer at a time.
package final class QoSMemory: Sendable {
    /// Sendable because the pointers never change, and the memory behind them is accessed as `QoSPage` says.
    private struct Memory: @unchecked Sendable {
        let models = UnsafeMutableRawPointer.allocate(byteCount: QoSPage.modelsSize, alignment: 4096)
        let buckets = UnsafeMutableRawPointer.allocate(byteCount: QoSPage.bucketsSize, alignment: 4096)
    }

    /// What a bucket has counted, in units.
    package struct Counts: Hashable, Sendable {
        package var admitted: UInt64
        package var refused: UInt64
        package var observed: UInt64
        package var contended: UInt64

        package init(admitted: UInt64 = 0, refused: UInt64 = 0, observed: UInt64 = 0, contended: UInt64 = 0) {
            self.admitted = admitted
            self.refused = refused
            self.observed = observed
            self.contended = contended
        }
    }

    private let memory = Memory()

    package init() {
        memory.models.initializeMemory(as: UInt8.self, repeating: 0, count: QoSPage.modelsSize)
        memory.buckets.initializeMemory(as: UInt8.self, repeating: 0, count: QoSPage.bucketsSize)
    }

    deinit {
        memory.models.deallocate()
        memory.buckets.deallocate()
    }

    package var page: QoSPage { page(reach: QoSPage.slotCount) }

    /// As if no more slots than these were there.
    package func page(reach: Int) -> QoSPage {
        QoSPage(models: memory.models, buckets: memory.buckets, reach: reach, owner: self)
    }

    /// Puts `qos` in force for the model `name` in `slot`.
    package func put(_ qos: QoS, _ name: String, slot: UInt32) {
        var entry = mb_qos()
        if let rate = qos.requests {
            entry.fields |= MB_QOS_REQUESTS
            entry.limits.0 = Self.limit(rate, burst: qos.burst ?? max(1, rate.units / 10))
        }
        if let rate = qos.tokens {
            entry.fields |= MB_QOS_TOKENS
            entry.limits.1 = Self.limit(
                rate, burst: qos.tokenBurst ?? Self.second(of: rate))
        }
        if let bandwidth = qos.bandwidth {
            entry.fields |= MB_QOS_BANDWIDTH
            entry.bandwidth = bandwidth
        }
        if qos.mode == .observe { entry.mode = UInt8(MB_MODE_OBSERVE.rawValue) }
        let model = model(slot)
        model.pointee.flags = MB_MODEL_IN_USE
        withUnsafeMutableBytes(of: &model.pointee.name) { held in
            held.copyBytes(from: name.utf8.prefix(held.count))
            if name.utf8.count < held.count { held[name.utf8.count] = 0 }
        }
        publish(entry, model)
    }

    /// Frees the slot, as when its model goes from the configuration.
    package func release(slot: UInt32) {
        model(slot).pointee.flags = 0
        publish(mb_qos(), model(slot))
    }

    /// The map `models` as it is, for a process that maps it.
    package func withModels(_ body: (UnsafeRawBufferPointer) -> Void) {
        body(UnsafeRawBufferPointer(start: memory.models, count: QoSPage.modelsSize))
    }

    package func counts(_ slot: UInt32, _ kind: LimitKind) -> Counts {
        let bucket = page.bucket(slot, kind).memory.pointee
        return Counts(
            admitted: bucket.admitted, refused: bucket.refused, observed: bucket.observed, contended: bucket.contended)
    }

    /// How far the bucket runs ahead of `now`, in nanoseconds.
    package func debt(_ slot: UInt32, _ kind: LimitKind, now: UInt64) -> UInt64 {
        mb_bucket_debt(page.bucket(slot, kind).memory, now)
    }

    private func model(_ slot: UInt32) -> UnsafeMutablePointer<mb_model> {
        (memory.models + Int(slot) * MemoryLayout<mb_model>.stride).assumingMemoryBound(to: mb_model.self)
    }

    private func publish(_ entry: mb_qos, _ model: UnsafeMutablePointer<mb_model>) {
        if model.pointee.version & 1 == 0 { model.pointee.qos.1 = entry } else { model.pointee.qos.0 = entry }
        mb_model_publish(model)
        // The count of all changes.
        if model != self.model(0) { mb_model_publish(self.model(0)) }
    }

    /// Units of one second, at least one.
    private static func second(of rate: Rate) -> UInt64 {
        let product = rate.units.multipliedFullWidth(by: 1_000_000_000)
        guard product.high < rate.window.nanoseconds else { return .max }
        return max(1, rate.window.nanoseconds.dividingFullWidth(product).quotient)
    }

    private static func limit(_ rate: Rate, burst: UInt64) -> mb_limit {
        let window = rate.window.nanoseconds
        guard rate.units > 0 else {
            return mb_limit(period_ns: MB_PERIOD_NEVER, tolerance_ns: 0, units: 0, window_ns: window, burst: 0)
        }
        let period = max(1, (window + rate.units / 2) / rate.units)
        let (product, isTooLarge) = burst.multipliedReportingOverflow(by: period)
        let tolerance = isTooLarge ? 1 << 62 : min(product, 1 << 62)
        return mb_limit(period_ns: period, tolerance_ns: tolerance, units: rate.units, window_ns: window, burst: burst)
    }
}
