import Catalog

/// Lays custom resources over a configuration that is right by itself, and finds out which of them it bears.
///
/// All of them are read at once, by the same code as a file. Those in which something is wrong are left out, and the others
/// read again, since some may refer to them, until nothing is wrong any more. What is wrong elsewhere (one model too many) is
/// the fault of the last one with which it begins.
struct ResourceOverlay {
    typealias Read = (YAMLValue) -> (catalog: Catalog, faults: ConfigurationFaults)

    /// Readings with something left out each time, before all those that refer to others are left out at once.
    private static let maximumRounds = 64

    private let base: YAMLValue?
    private let resources: [Resource]
    private let read: Read
    private var verdicts: [Int: ResourceVerdict] = [:]

    /// - Parameters:
    ///   - base: the file.
    ///   - fallback: what the file is by itself.
    /// - Returns: the catalogue, and what became of each resource.
    static func run(
        _ base: YAMLValue?, _ resources: [Resource], fallback: Catalog, read: @escaping Read
    ) -> (catalog: Catalog, verdicts: [ResourceKey: ResourceVerdict]) {
        var overlay = ResourceOverlay(base: base, resources: resources.sorted { $0.precedes($1) }, read: read)
        overlay.weigh()
        let catalog = overlay.settled() ?? fallback
        var verdicts: [ResourceKey: ResourceVerdict] = [:]
        for (number, resource) in overlay.resources.enumerated() {
            verdicts[resource.key] = overlay.verdicts[number] ?? .accepted
        }
        return (catalog, verdicts)
    }

    private init(base: YAMLValue?, resources: [Resource], read: @escaping Read) {
        self.base = base
        self.resources = resources
        self.read = read
    }

    private var alive: [(number: Int, resource: Resource)] {
        resources.enumerated().filter { verdicts[$0.offset] == nil }.map { ($0.offset, $0.element) }
    }

    /// Leaves out what is larger than a configuration can be, and what is one too many: the newest first.
    private mutating func weigh() {
        var room = Limits.fileBytes
        // Two levels are those above the `spec`.
        for (number, resource) in resources.enumerated() {
            guard number < Limits.resources else {
                verdicts[number] = .refused(.tooLarge, "one resource too many; at most \(Limits.resources) are possible")
                continue
            }
            guard let weight = resource.spec.weight(depth: Limits.depth - 2) else {
                verdicts[number] = .refused(.invalid, "spec: is nested deeper than \(Limits.depth - 2) levels")
                continue
            }
            guard weight <= Limits.resourceBytes, weight <= room else {
                let limit = weight <= Limits.resourceBytes ? Limits.fileBytes : Limits.resourceBytes
                verdicts[number] = .refused(.tooLarge, "spec: is too large; \(limit >> 10) KiB are possible")
                continue
            }
            room -= weight
        }
    }

    /// nil: not even without any of them.
    private mutating func settled() -> Catalog? {
        var rounds = 0
        while true {
            rounds += 1
            if rounds == Self.maximumRounds { giveUp { $0 != .model } }
            if rounds == 2 * Self.maximumRounds { giveUp { _ in true } }
            let alive = alive
            let draft = ResourceDraft(base, alive)
            guard draft.refused.isEmpty else {
                verdicts.merge(draft.refused) { first, _ in first }
                continue
            }
            let (catalog, faults) = read(draft.root)
            if faults.faults.isEmpty { return catalog }
            guard !alive.isEmpty else { return nil }
            let found = attributed(faults, draft)
            if found.isEmpty { blameLast(alive) } else { verdicts.merge(found) { first, _ in first } }
        }
    }

    private mutating func giveUp(_ isOut: (ResourceKind) -> Bool) {
        for (number, resource) in alive where isOut(resource.key.kind) {
            verdicts[number] = .refused(.invalid, "too many resources refer to others in which something is wrong")
        }
    }

    // MARK: - Whose fault it is

    private func attributed(_ faults: ConfigurationFaults, _ draft: ResourceDraft) -> [Int: ResourceVerdict] {
        let byNumber = Dictionary(grouping: faults.faults) { Self.number(of: $0.line) }
        var found: [Int: ResourceVerdict] = [:]
        for (number, faults) in byNumber {
            guard let number, resources.indices.contains(number), verdicts[number] == nil else { continue }
            let texts = faults.map { text($0, below: draft.keyPaths[number] ?? "") }
            found[number] = .refused(.invalid, Self.joined(texts))
        }
        return found
    }

    private static func number(of line: Int?) -> Int? {
        line.flatMap { $0 >= ResourceDraft.firstLine ? $0 - ResourceDraft.firstLine : nil }
    }

    /// A fault as whoever wrote the resource sees it: below its `spec`, other resources by name.
    private func text(_ fault: ConfigurationFault, below path: String) -> String {
        let key = fault.key.hasPrefix(path) ? "spec" + fault.key.dropFirst(path.count) : fault.key
        var message = ""
        var rest = fault.message[...]
        while let found = rest.firstRange(of: " on line ") {
            let digits = rest[found.upperBound...].prefix { $0.isASCII && $0.isNumber }
            let number = Self.number(of: Int(digits))
            let place = number.map { resources.indices.contains($0) ? " in \(resources[$0].key)" : "" }
            message += rest[..<found.lowerBound] + (place ?? " on line \(digits) of the configuration file")
            rest = rest[digits.endIndex...]
        }
        return "\(key): \(message + rest)"
    }

    /// Short enough for a condition that is written for each node.
    private static func joined(_ texts: [String]) -> String {
        var shown = texts.prefix(5).map { printable($0, limit: 300) }
        if texts.count > shown.count { shown.append("and \(texts.count - shown.count) more") }
        return shown.joined(separator: "; ")
    }

    /// The most that can be had from the first on, and the one behind that is out.
    private mutating func blameLast(_ alive: [(number: Int, resource: Resource)]) {
        var (good, bad) = (0, alive.count)
        var message = "the configuration cannot be read with it"
        while good + 1 < bad {
            let middle = (good + bad) / 2
            let faults = read(ResourceDraft(base, Array(alive.prefix(middle))).root).faults
            if faults.faults.isEmpty { good = middle } else { bad = middle }
        }
        let faults = read(ResourceDraft(base, Array(alive.prefix(bad))).root).faults
        if let first = faults.faults.first { message = "with it, \(first.key.isEmpty ? "" : first.key + " ")\(first.message)" }
        verdicts[alive[bad - 1].number] = .refused(.tooLarge, printable(message, limit: 300))
    }
}
