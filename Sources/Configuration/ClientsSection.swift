import Catalog
import Identity

/// `clients`: who the callers are.
struct ClientsSection {
    private static let keys = KnownKeys(["workloads", "allow", "deny"], later: ["keys", "group"])

    static func read(_ field: Field, _ models: ModelIndex, _ reading: Reading) -> [Client] {
        let entries = reading.entries(field, form: "client names, each with its workloads")
        guard entries.count <= Limits.clients else {
            reading.fault(field, "has \(entries.count) clients; at most \(Limits.clients) are possible")
            return []
        }
        var owners: [String: Field] = [:]
        let clients = entries.map { entry in
            let key = KeyPath.member(entry.key, of: field.key)
            return client(entry, Field(key: key, line: entry.line, value: entry.value), &owners, models, reading)
        }
        let named = clients.reduce(0) { $0 + ($1.allow?.count ?? 0) + $1.deny.count }
        if named > Limits.access {
            reading.fault(field, "allow and deny \(named) models; at most \(Limits.access) are possible, of all clients together")
        }
        return clients
    }

    private static func client(
        _ entry: YAMLEntry, _ field: Field, _ owners: inout [String: Field], _ models: ModelIndex, _ reading: Reading
    ) -> Client {
        do throws(Refusal) {
            _ = try NameText.identifier(entry.key)
        } catch {
            reading.fault(field, "\(quoted(entry.key)) \(error.reason)")
        }
        let fields = reading.members(field, keys)
        let patterns = reading.values(fields["workloads"], pattern)
        for located in patterns {
            if let first = owners[located.value] {
                let message = "\(located.shown) is a workload already, \(first.key) on line \(first.line)"
                reading.fault(located.field, message + ": a workload belongs to one client")
            }
            owners[located.value] = owners[located.value] ?? located.field
        }
        // An empty list allows nothing, no list leaves all public models.
        let allow = fields["allow"].flatMap { $0.isNull ? nil : names($0, models, reading) }
        let deny = fields["deny"].map { names($0, models, reading) } ?? []
        return Client(
            name: entry.key, workloads: patterns.map(\.value), allow: allow?.map { AccessRule(names: [$0]) },
            deny: deny.map { AccessRule(names: [$0]) })
    }

    /// Names of models and pools, each once.
    private static func names(_ field: Field, _ models: ModelIndex, _ reading: Reading) -> [String] {
        var seen: [String: Field] = [:]
        return reading.values(field) { text throws(Refusal) in try models.callable(text) }.compactMap { located in
            if let first = seen[located.value] {
                reading.fault(located.field, "\(located.shown) is given twice; the first is on line \(first.line)")
                return nil
            }
            seen[located.value] = located.field
            return located.value
        }
    }

    private static func pattern(_ text: String) throws(Refusal) -> String {
        do throws(WorkloadPatternError) {
            _ = try WorkloadPattern(text)
            return text
        } catch {
            throw Refusal("\(error)")
        }
    }
}
