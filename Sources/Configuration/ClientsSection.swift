import Catalog
import Identity

/// `clients`: who the callers are.
struct ClientsSection {
    private static let keys = KnownKeys(["workloads"], later: ["keys", "allow", "deny", "group"])

    static func read(_ field: Field, _ reading: Reading) -> [Client] {
        let entries = reading.entries(field, form: "client names, each with its workloads")
        guard entries.count <= Limits.clients else {
            reading.fault(field, "has \(entries.count) clients; at most \(Limits.clients) are possible")
            return []
        }
        var owners: [String: Field] = [:]
        return entries.map { entry in
            let key = KeyPath.member(entry.key, of: field.key)
            return client(entry, Field(key: key, line: entry.line, value: entry.value), &owners, reading)
        }
    }

    private static func client(
        _ entry: YAMLEntry, _ field: Field, _ owners: inout [String: Field], _ reading: Reading
    ) -> Client {
        do throws(Refusal) {
            _ = try NameText.identifier(entry.key)
        } catch {
            reading.fault(field, "\(quoted(entry.key)) \(error.reason)")
        }
        let patterns = reading.values(reading.members(field, keys)["workloads"], pattern)
        for located in patterns {
            if let first = owners[located.value] {
                let message = "\(located.shown) is a workload already, \(first.key) on line \(first.line)"
                reading.fault(located.field, message + ": a workload belongs to one client")
            }
            owners[located.value] = owners[located.value] ?? located.field
        }
        return Client(name: entry.key, workloads: patterns.map(\.value))
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
