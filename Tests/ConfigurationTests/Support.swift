import Catalog
import Configuration
import Testing

/// The faults of `yaml`, as text; fails the test when there are none.
func faults(_ yaml: String, environment: [String: String] = [:], at location: SourceLocation = #_sourceLocation) -> [String] {
    do {
        _ = try Configuration.parse(yaml) { environment[$0] }
        Issue.record("accepted:\n\(yaml)", sourceLocation: location)
        return []
    } catch {
        return error.faults.map(\.description)
    }
}

/// The catalog of `yaml`; records its faults when it has any.
func catalog(
    _ yaml: String, environment: [String: String] = [:], at location: SourceLocation = #_sourceLocation
) throws -> Catalog {
    do {
        return try Configuration.parse(yaml) { environment[$0] }
    } catch {
        Issue.record("\(error)", sourceLocation: location)
        throw error
    }
}

func destination(_ network: String, _ prefix: Int, _ port: UInt16) throws -> Destination {
    let address = try #require(IPAddress(network))
    return Destination(network: try #require(CIDR(address: address, prefixLength: prefix)), port: port)
}

func socketAddress(_ text: String) throws -> SocketAddress { try #require(SocketAddress(text)) }
