import Routing

/// The answer to GET /v1/models.
enum ModelsList {
    /// The models that `mayCall` lets the caller see.
    static func append(_ routes: RoutingTable, created: Int, to bytes: inout [UInt8], mayCall: (Int) -> Bool) {
        bytes.append("{\"object\":\"list\",\"data\":[")
        var isFirst = true
        for model in 0..<routes.modelCount where mayCall(model) {
            if !isFirst { bytes.append(0x2C) }
            isFirst = false
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
