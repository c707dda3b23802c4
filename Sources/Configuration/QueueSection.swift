import Catalog

/// `queue` of a model or a group: what bounds the requests that wait.
enum QueueSection {
    private static let keys = KnownKeys(["length", "bytes", "wait", "ageing", "order", "comments"])

    /// nil: there is nothing in it.
    static func readIfGiven(_ field: Field, _ reading: Reading) -> QueuePolicy? {
        field.isNull ? nil : read(field, reading)
    }

    /// What is left out is as by default.
    static func read(_ field: Field, _ reading: Reading) -> QueuePolicy {
        let fields = reading.members(field, keys)
        var queue = QueuePolicy()
        reading.set(&queue.length, fields["length"]) { text throws(Refusal) in
            UInt32(clamping: try NumberText.integer(text, in: 0...1_000_000))
        }
        reading.set(&queue.bytes, fields["bytes"]) { text throws(Refusal) in
            UInt64(clamping: try NumberText.bytes(text, in: 1 << 10...64 << 30, "from 1KiB to 64GiB"))
        }
        for (key, path) in [("wait", \QueuePolicy.wait), ("ageing", \.ageing)] {
            reading.set(&queue[keyPath: path], fields[key]) { text throws(Refusal) in
                try NumberText.milliseconds(text, in: 10...3_600_000, "from 10ms to 1h")
            }
        }
        reading.set(&queue.order, fields["order"]) { text throws(Refusal) in
            try NameText.word(text, of: QueuePolicy.Order.self)
        }
        reading.set(&queue.comments, fields["comments"], comments)
        return queue
    }

    private static func comments(_ text: String) throws(Refusal) -> Int? {
        guard text != "off" else { return nil }
        return try NumberText.milliseconds(text, in: 100...600_000, "from 100ms to 10m, nor off")
    }
}
