import Catalog

/// `node.events`: where events go beside `modelbroker events`.
struct EventsSection {
    private static let keys = KnownKeys(["file", "stdout", "webhook"])
    private static let fileKeys = KnownKeys(["path", "size", "keep"])
    private static let webhookKeys = KnownKeys(["url", "batch", "wait"] + WebTargetReader.keys)

    private let reading: Reading

    /// nil: nowhere, or after a fault.
    static func read(_ field: Field, _ reading: Reading) -> EventSinks? {
        guard !field.isNull else { return nil }
        let fields = reading.members(field, keys)
        guard case .mapping = field.value.content else { return nil }
        let section = EventsSection(reading: reading)
        var sinks = EventSinks()
        sinks.file = fields["file"].flatMap(section.file)
        reading.set(&sinks.standardOutput, fields["stdout"], NameText.truth)
        sinks.webhook = fields["webhook"].flatMap(section.webhook)
        return sinks == EventSinks() ? nil : sinks
    }

    /// A path by itself, or a mapping.
    private func file(_ field: Field) -> EventSinks.File? {
        guard case .mapping = field.value.content else {
            return reading.value(field, FilePath.output).map { EventSinks.File(path: $0.value) }
        }
        let fields = reading.members(field, Self.fileKeys)
        if fields["path"] == nil {
            reading.fault(field, "has no path; write {path: /var/log/modelbroker/events.jsonl, size: 100MiB, keep: 5}")
        }
        guard let path = fields["path"].flatMap({ reading.value($0, FilePath.output) }) else { return nil }
        var file = EventSinks.File(path: path.value)
        reading.set(&file.size, fields["size"]) { text throws(Refusal) in
            UInt64(try NumberText.bytes(text, in: 64 << 10...1 << 40, "from 64KiB to 1024GiB"))
        }
        reading.set(&file.keep, fields["keep"]) { text throws(Refusal) in try NumberText.integer(text, in: 0...1_000) }
        return file
    }

    private func webhook(_ field: Field) -> EventSinks.Webhook? {
        let fields = reading.members(field, Self.webhookKeys)
        guard case .mapping = field.value.content else { return nil }
        let target = WebTargetReader.read(field, fields, urlKey: "url", example: "https://collector.example/events", reading)
        guard let target else { return nil }
        var webhook = EventSinks.Webhook(target: target)
        reading.set(&webhook.batch, fields["batch"]) { text throws(Refusal) in try NumberText.integer(text, in: 1...10_000) }
        reading.set(&webhook.wait, fields["wait"]) { text throws(Refusal) in
            try NumberText.milliseconds(text, in: 10...60_000, "from 10ms to 1m")
        }
        return webhook
    }
}
