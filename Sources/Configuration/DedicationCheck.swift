import Catalog

/// What a rule's `model` and `path` ask of each other.
struct DedicationCheck {
    let rule: CaptureRule
    let fields: [String: Field]
    let models: ModelIndex
    let reading: Reading

    /// - Parameter place: the rule itself.
    func run(_ place: Field) {
        switch rule.path {
        case .proxy: break
        case .deny:
            if let field = fields["model"] { reading.fault(field, "has no meaning with path deny: nobody gets to the model") }
        case .direct:
            checkDirect(place)
        }
    }

    private func checkDirect(_ place: Field) {
        for key in ["unknown", "opaque", "onConflict"] {
            guard let field = fields[key] else { continue }
            reading.fault(field, "has no meaning with path direct: no proxy sees what is sent; leave it out")
        }
        guard let field = fields["model"] else {
            return reading.fault(place, "has path direct and no model; write the name of the one that these destinations serve")
        }
        guard let model = rule.model.flatMap({ models[$0] }) else { return }
        if model.endpoints.count > Limits.directEndpoints {
            let count = "\(model.endpoints.count) endpoints; path direct chooses among at most \(Limits.directEndpoints)"
            reading.fault(field, "\(quoted(model.name)) has \(count)")
        }
        if model.endpoints.contains(where: { $0.tls != nil }) {
            let reason = "and path direct sends what the caller sends: nobody would encrypt it"
            reading.fault(field, "\(quoted(model.name)) has an endpoint with https, \(reason)")
        }
        if let endpoint = model.endpoints.first(where: { $0.activation != nil }) {
            let reason = "and on path direct the kernel chooses: nobody would wait until it runs"
            reading.fault(
                field, "\(quoted(model.name)) has the endpoint \(printable(endpoint.url, limit: 300)) with activate, \(reason)")
        }
        if let endpoint = model.endpoints.first(where: { !$0.pathPrefix.isEmpty }) {
            let reason = "and path direct changes no request: the path could not be put before it"
            reading.fault(
                field, "\(quoted(model.name)) has the endpoint \(printable(endpoint.url, limit: 300)) with a path, \(reason)")
        }
    }
}
