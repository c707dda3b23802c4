import Routing

/// The answer to GET /v1/models.
enum ModelsList {
    static func append(_ routes: RoutingTable, created: Int, to bytes: inout [UInt8]) {
        bytes.append("{\"object\":\"list\",\"data\":[")
        for model in 0..<routes.modelCount {
            if model > 0 { bytes.append(0x2C) }
            appendModel(routes.name(model), created: created, to: &bytes)
        }
        bytes.append("]}")
    }

    static func appendModel(_ name: String, created: Int, to bytes: inout [UInt8]) {
        bytes.append("{\"id\":")
        JSONText.append(name, to: &bytes)
        bytes.append(",\"object\":\"model\",\"created\":")
        bytes.append(decimal: created)
        bytes.append(",\"owned_by\":\"modelbroker\"}")
    }
}
