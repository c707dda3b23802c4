internal import Catalog
internal import Configuration

/// One reading of the configuration file.
struct ConfigurationFile: Sendable {
    /// Larger files are refused.
    static let maximumBytes = 8 << 20

    /// As read, to tell a change from a touch.
    let bytes: [UInt8]
    /// The catalogue, or everything that is wrong, one line each.
    let result: Result<Catalog, Refused>
    /// What became of the custom resources that were laid over it.
    let verdicts: [ResourceKey: ResourceVerdict]

    struct Refused: Error, Hashable, Sendable {
        let faults: [String]
    }

    /// - Parameter resources: to be laid over it, where it asks for that.
    static func read(_ path: String, resources: [Resource] = []) throws(SystemError) -> ConfigurationFile {
        ConfigurationFile(bytes: try File.read(path, limit: maximumBytes), resources: resources)
    }

    init(bytes: [UInt8], resources: [Resource] = []) {
        self.bytes = bytes
        guard let text = String(validating: bytes, as: UTF8.self) else {
            (result, verdicts) = (.failure(Refused(faults: ["the file is not UTF-8 text"])), [:])
            return
        }
        do {
            var (catalog, verdicts) = try Configuration.parse(text, resources: resources)
            catalog.node.brokerCgroup = catalog.node.brokerCgroup ?? CgroupNamespace.current.home
            (result, self.verdicts) = (.success(catalog), verdicts)
        } catch {
            (result, verdicts) = (.failure(Refused(faults: error.description.split(separator: "\n").map(String.init))), [:])
        }
    }
}
