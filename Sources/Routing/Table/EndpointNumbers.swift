package import Catalog

/// Stands for one address of one endpoint of one model, over reloads.
package typealias EndpointNumber = Int32

/// Gives the same number to the same endpoint in every catalogue, so that a reload forgets nothing that is known of it.
package struct EndpointNumbers: Sendable {
    private struct Identity: Hashable {
        var model: String
        var url: String
        var address: SocketAddress
    }

    /// As many as a session's entry can name.
    package static let limit = 65_536

    private var numbers: [Identity: EndpointNumber] = [:]

    package init() {}

    package var count: Int { numbers.count }

    /// nil: all numbers were given out.
    package mutating func number(model: String, url: String, address: SocketAddress) -> EndpointNumber? {
        let identity = Identity(model: model, url: url, address: address)
        if let number = numbers[identity] { return number }
        guard numbers.count < Self.limit else { return nil }
        let number = EndpointNumber(numbers.count)
        numbers[identity] = number
        return number
    }
}
