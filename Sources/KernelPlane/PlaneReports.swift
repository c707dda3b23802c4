package import Catalog

/// What became of the connects that one rule matched.
package struct RuleCounters: Hashable, Sendable {
    /// Rewritten to the proxy.
    package var captured: UInt64
    /// Refused because the path is `deny`.
    package var denied: UInt64
    /// Let through because no proxy listened.
    package var direct: UInt64
    /// Refused because no proxy listened.
    package var refused: UInt64

    package init(captured: UInt64 = 0, denied: UInt64 = 0, direct: UInt64 = 0, refused: UInt64 = 0) {
        self.captured = captured
        self.denied = denied
        self.direct = direct
        self.refused = refused
    }
}

/// One entry of the rule tries.
package struct KernelRule: Hashable, Sendable {
    package var destination: Destination
    /// Position of the rule in the configuration.
    package var id: UInt32
    package var path: CaptureRule.Path
    package var whenDown: CaptureRule.WhenProxyDown

    /// Slot of the model that the destination is dedicated to; 0: none.
    package var model: UInt32

    package init(
        destination: Destination, id: UInt32, path: CaptureRule.Path, whenDown: CaptureRule.WhenProxyDown, model: UInt32 = 0
    ) {
        self.model = model
        self.destination = destination
        self.id = id
        self.path = path
        self.whenDown = whenDown
    }
}

/// An attached program of the plane.
package struct ProgramInfo: Hashable, Sendable {
    /// Another program at the same hook, of the same cgroup or an ancestor of it.
    package struct Neighbour: Hashable, Sendable {
        package var id: UInt32
        package var name: String
        /// True if it runs before ours.
        package var before: Bool

        package init(id: UInt32, name: String, before: Bool) {
            self.id = id
            self.name = name
            self.before = before
        }
    }

    package var name: String
    package var id: UInt32
    /// `cgroup/connect4` and so on; `iter/tcp` for the one that runs when it is asked to, in no cgroup.
    package var hook: String
    package var linkID: UInt32
    /// Id of the cgroup it is attached to, 0 if that has vanished, and the path, nil if it cannot be told.
    package var cgroup: UInt64
    package var cgroupPath: String?
    /// Hash of the instructions, in hexadecimal.
    package var tag: String
    /// Bytes of instructions as the kernel holds them, and of machine code.
    package var loadedBytes: UInt32
    package var jitedBytes: UInt32
    /// Since loading, while `kernel.bpf_stats_enabled` is on.
    package var runCount: UInt64
    package var runNanoseconds: UInt64
    /// In the order in which the kernel runs them.
    package var neighbours: [Neighbour]

    /// False: an iterator, which runs when its pin is read.
    package var hasCgroup: Bool { !hook.hasPrefix("iter/") }

    package init(
        name: String, id: UInt32, hook: String, linkID: UInt32, cgroup: UInt64, cgroupPath: String?, tag: String,
        loadedBytes: UInt32, jitedBytes: UInt32, runCount: UInt64, runNanoseconds: UInt64, neighbours: [Neighbour]
    ) {
        self.name = name
        self.id = id
        self.hook = hook
        self.linkID = linkID
        self.cgroup = cgroup
        self.cgroupPath = cgroupPath
        self.tag = tag
        self.loadedBytes = loadedBytes
        self.jitedBytes = jitedBytes
        self.runCount = runCount
        self.runNanoseconds = runNanoseconds
        self.neighbours = neighbours
    }
}

/// A map of the plane.
package struct MapInfo: Hashable, Sendable {
    package var name: String
    package var id: UInt32
    /// `lpm_trie` and so on.
    package var type: String
    package var keySize: UInt32
    package var valueSize: UInt32
    package var maxEntries: UInt32
    /// nil: this type cannot be counted.
    package var entries: Int?
    /// Kernel memory that it holds.
    package var bytes: UInt64

    package init(
        name: String, id: UInt32, type: String, keySize: UInt32, valueSize: UInt32, maxEntries: UInt32, entries: Int?,
        bytes: UInt64
    ) {
        self.name = name
        self.id = id
        self.type = type
        self.keySize = keySize
        self.valueSize = valueSize
        self.maxEntries = maxEntries
        self.entries = entries
        self.bytes = bytes
    }
}
