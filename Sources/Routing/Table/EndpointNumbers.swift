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

    /// Models that can have slots.
    package static let modelLimit = 4_096

    private var numbers: [Identity: EndpointNumber] = [:]
    private var models: [String: Int32] = [:]

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

    /// Stands for a model over reloads; nil: all numbers were given out.
    package mutating func modelNumber(_ name: String) -> Int32? {
        if let number = models[name] { return number }
        guard models.count < Self.modelLimit else { return nil }
        let number = Int32(models.count)
        models[name] = number
        return number
    }
}
