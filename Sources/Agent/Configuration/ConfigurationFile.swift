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

    struct Refused: Error, Hashable, Sendable {
        let faults: [String]
    }

    static func read(_ path: String) throws(SystemError) -> ConfigurationFile {
        let bytes = try File.read(path, limit: maximumBytes)
        return ConfigurationFile(bytes: bytes, result: parse(bytes))
    }

    private static func parse(_ bytes: [UInt8]) -> Result<Catalog, Refused> {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            return .failure(Refused(faults: ["the file is not UTF-8 text"]))
        }
        do {
            var catalog = try Configuration.parse(text)
            catalog.node.brokerCgroup = catalog.node.brokerCgroup ?? CgroupNamespace.current.home
            return .success(catalog)
        } catch {
            return .failure(Refused(faults: error.description.split(separator: "\n").map(String.init)))
        }
    }
}
