import Admission
import Glibc
import Reactor
import Synchronization

/// The kernel plane's maps `models` and `buckets` in this process's memory, as far as the slots in use reach. The mapping
/// holds the maps, so they stay whatever becomes of the agent; it goes when nobody has its page any more.
final class MappedMaps: Sendable {
    private struct Prefixes: ~Copyable {
        var models: MappedPrefix
        var buckets: MappedPrefix
    }

    private let prefixes: Mutex<Prefixes>

    /// Slot 0 is within reach then.
    init(models: consuming Descriptor, buckets: consuming Descriptor) throws(SystemError) {
        var prefixes = Prefixes(
            models: try MappedPrefix(models, size: QoSPage.modelsSize, protection: PROT_READ),
            buckets: try MappedPrefix(buckets, size: QoSPage.bucketsSize, protection: PROT_READ | PROT_WRITE))
        try Self.extend(&prefixes, to: 0)
        self.prefixes = Mutex(prefixes)
    }

    /// Brings the slots up to this one within reach of the pages that are taken from now on.
    func extend(to slot: UInt32) throws(SystemError) {
        try prefixes.withLock { prefixes throws(SystemError) in try Self.extend(&prefixes, to: slot) }
    }

    /// What is mapped never goes while there is a page, so pages taken earlier stay good, with the reach that they had.
    var page: QoSPage {
        prefixes.withLock { prefixes in
            let reach = min(prefixes.models.mapped / QoSPage.modelSize, prefixes.buckets.mapped / QoSPage.bucketsOfModelSize)
            return QoSPage(
                models: UnsafeRawPointer(prefixes.models.base), buckets: prefixes.buckets.base,
                reach: min(reach, QoSPage.slotCount), owner: self)
        }
    }

    private static func extend(_ prefixes: inout Prefixes, to slot: UInt32) throws(SystemError) {
        try prefixes.models.extend(to: (Int(slot) + 1) * QoSPage.modelSize)
        try prefixes.buckets.extend(to: (Int(slot) + 1) * QoSPage.bucketsOfModelSize)
    }
}
