package import Catalog

/// A catalogue's pools, models and capabilities as the data path needs them: found by the bytes of a name, endpoints
/// flattened to addresses. It is made once and shared by all event loops.
package struct RoutingTable: Sendable {
    let models: NameTable
    /// Every name that a request may give, with the route that it means.
    let names: NameTable
    let routeOfName: [Int]
    let routes: [Route]
    let targets: [Target]
    let routeOfModel: [Int]
    /// Targets for which no number was left; they are in no route.
    package let leftOut: Int
    private let slots: [Int32?]

    package init(_ catalog: Catalog, _ numbers: inout EndpointNumbers) {
        var builder = TableBuilder(catalog)
        builder.build(&numbers)
        models = builder.modelNames
        names = builder.names
        routeOfName = builder.routeOfName
        routes = builder.routes
        targets = builder.targets
        routeOfModel = builder.routeOfModel
        leftOut = builder.leftOut
        slots = builder.slots
    }

    /// Of models alone, with numbers that count up from 0.
    package init(_ models: [Model] = []) {
        var numbers = EndpointNumbers()
        self.init(Catalog(models: models), &numbers)
    }

    package var modelCount: Int { models.count }

    package func name(_ model: Int) -> String { models.name(model) }

    /// The number of the model with this name; nil if the catalogue does not have it.
    package func model(named name: Span<UInt8>) -> Int? { models.find(name) }

    /// The model's number over reloads; nil: there was none left.
    package func slot(ofModel model: Int) -> Int32? { slots[model] }

    package var routeCount: Int { routes.count }

    package func route(_ index: Int) -> Route { routes[index] }

    /// What a request with this `model` asks for: a pool, a model, a capability by its path or alias, in that order.
    package func route(named name: Span<UInt8>) -> Int? { names.find(name).map { routeOfName[$0] } }

    package func route(ofModel model: Int) -> Int { routeOfModel[model] }

    package var targetCount: Int { targets.count }

    package func target(_ index: Int) -> Target { targets[index] }

    /// The index of the route that another table of the same names has there; nil: this one has no such route.
    package func route(like route: Route) -> Int? {
        routes.firstIndex { $0.salt == route.salt && $0.kind == route.kind && $0.name == route.name }
    }
}
