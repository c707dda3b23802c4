/// One class of the tree, as it should be or as it is.
package struct QdiscClass: Hashable, Sendable {
    /// Of 1:minor.
    package var minor: UInt32
    /// Bytes per second that it is sure of.
    package var rate: UInt64
    /// Bytes per second that it may have.
    package var ceil: UInt64
    /// HTB's: 0 is the first to borrow, 7 the last.
    package var priority: UInt32
    /// Bytes that it sends in its turn when it borrows.
    package var quantum: UInt32
    /// Psched ticks that it may send at once, under `rate` and under `ceil`.
    package var buffer: UInt32
    package var ceilBuffer: UInt32

    package init(
        minor: UInt32, rate: UInt64, ceil: UInt64, priority: UInt32, quantum: UInt32, buffer: UInt32, ceilBuffer: UInt32
    ) {
        self.minor = minor
        self.rate = rate
        self.ceil = ceil
        self.priority = priority
        self.quantum = quantum
        self.buffer = buffer
        self.ceilBuffer = ceilBuffer
    }

    /// Of the class that everything else is in, and of the one that is the device.
    package static let device: UInt32 = 1
    package static let others: UInt32 = 2
    /// Minors below it are not models'.
    package static let firstModel: UInt32 = 0x10

    /// The slot of the model whose class it is; nil: it is none's.
    package var slot: UInt32? { minor > Self.firstModel ? minor - Self.firstModel : nil }

    /// Packets that wait in it at most: a tenth of a second's worth of full ones. TCP keeps less than that in a queue of
    /// its own host's, so the limit is for what doesn't.
    package var packetLimit: UInt32 { UInt32(clamping: min(max(ceil / 10 / 1514, 128), 2048)) }
}

/// What a class has done.
package struct QdiscClassReading: Hashable, Sendable {
    package var form: QdiscClass
    package var bytes: UInt64
    package var packets: UInt64
    package var drops: UInt64
    /// How often it had to wait.
    package var overlimits: UInt64
    /// Bytes and packets that wait now.
    package var backlog: UInt64
    package var queued: UInt64
}
