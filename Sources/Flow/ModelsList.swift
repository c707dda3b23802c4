import Control

/// What the broker says of its models, in the shapes of the interfaces that engines have.
enum ModelsList {
    /// The answer to GET /v1/models.
    static func append(_ names: [String], created: Int, to bytes: inout [UInt8]) {
        bytes.append("{\"object\":\"list\",\"data\":[")
        append(names, to: &bytes) { appendModel($0, created: created, to: &$1) }
        bytes.append("]}")
    }

    static func appendModel(_ name: String, created: Int, to bytes: inout [UInt8]) {
        bytes.append("{\"id\":")
        JSONText.append(name, to: &bytes)
        bytes.append(",\"object\":\"model\",\"created\":")
        bytes.append(decimal: created)
        bytes.append(",\"owned_by\":\"modelbroker\"}")
    }

    /// The answer to POST /v2/repository/index.
    static func appendIndex(_ names: [String], to bytes: inout [UInt8]) {
        bytes.append("[")
        append(names, to: &bytes) { name, bytes in
            bytes.append("{\"name\":")
            JSONText.append(name, to: &bytes)
            bytes.append(",\"state\":\"READY\",\"reason\":\"\"}")
        }
        bytes.append("]")
    }

    /// The answer to GET /v2.
    static func appendServer(to bytes: inout [UInt8]) {
        bytes.append("{\"name\":\"modelbroker\",\"version\":")
        JSONText.append(Version.current, to: &bytes)
        bytes.append(",\"extensions\":[\"binary_tensor_data\",\"model_repository\"]}")
    }

    /// The answer to GET /api/tags.
    static func appendTags(_ names: [String], to bytes: inout [UInt8]) {
        bytes.append("{\"models\":[")
        append(names, to: &bytes) { name, bytes in
            bytes.append("{\"name\":")
            JSONText.append(name, to: &bytes)
            bytes.append(",\"model\":")
            JSONText.append(name, to: &bytes)
            bytes.append("}")
        }
        bytes.append("]}")
    }

    /// The answer to GET /api/version.
    static func appendVersion(to bytes: inout [UInt8]) {
        bytes.append("{\"version\":")
        JSONText.append(Version.current, to: &bytes)
        bytes.append("}")
    }

    private static func append(_ names: [String], to bytes: inout [UInt8], _ body: (String, inout [UInt8]) -> Void) {
        for (index, name) in names.enumerated() {
            if index > 0 { bytes.append(0x2C) }
            body(name, &bytes)
        }
    }
}
