/// What all messages of the OpenTelemetry protocol (OTLP 1.x) have in common.
package enum OTLP {
    /// Who sends, and the scope that all of it belongs to.
    package struct Origin: Hashable, Sendable {
        /// Names and values of the resource, in order.
        package var attributes: [Attribute]
        package var version: String

        package init(attributes: [(name: String, value: String)], version: String) {
            self.attributes = attributes.map { Attribute(name: $0.name, value: $0.value) }
            self.version = version
        }
    }

    package struct Attribute: Hashable, Sendable {
        package var name: String
        package var value: String
    }

    static let scope = "modelbroker"

    /// `ExportTraceServiceRequest` and `ExportMetricsServiceRequest` have one form: a list of resources, each with its scopes.
    ///
    /// - Parameter items: fields of the scope: each span, or metric, as its field 2.
    package static func request(_ origin: Origin, items: [UInt8]) -> [UInt8] {
        var request = ProtobufWriter()
        request.message(1) { resources in
            resources.message(1) { resource in
                for attribute in origin.attributes { resource.attribute(1, attribute.name, attribute.value) }
            }
            resources.message(2) { scopes in
                scopes.message(1) {
                    $0.string(1, scope)
                    $0.string(2, origin.version)
                }
                scopes.raw(items)
            }
        }
        return request.bytes
    }

    /// How many spans there are in bytes that are to be the field 2 of a scope, one after the other; nil: they are something
    /// else.
    package static func count(ofItems bytes: [UInt8]) -> UInt64? {
        var (position, count): (Int, UInt64) = (0, 0)
        while position < bytes.count {
            guard bytes[position] == 0x12 else { return nil }
            position += 1
            var (size, shift) = (0, 0)
            while true {
                guard position < bytes.count, shift <= 28 else { return nil }
                let byte = bytes[position]
                position += 1
                size |= Int(byte & 0x7F) << shift
                shift += 7
                if byte < 0x80 { break }
            }
            guard size <= bytes.count - position else { return nil }
            position += size
            count += 1
        }
        return count
    }
}

extension ProtobufWriter {
    /// `KeyValue` with a text.
    package mutating func attribute(_ field: Int, _ name: String, _ value: some StringProtocol) {
        message(field) {
            $0.string(1, name)
            $0.message(2) { $0.string(1, value) }
        }
    }

    /// A text of somebody else's: what is no UTF-8 in it is replaced.
    package mutating func attribute(_ field: Int, _ name: String, repairing text: [UInt8]) {
        message(field) {
            $0.string(1, name)
            $0.message(2) { $0.string(1, repairing: text) }
        }
    }

    package mutating func attribute(_ field: Int, _ name: String, integer value: Int64) {
        message(field) {
            $0.string(1, name)
            $0.message(2) { $0.int(3, value) }
        }
    }

    package mutating func attribute(_ field: Int, _ name: String, number value: Double) {
        message(field) {
            $0.string(1, name)
            $0.message(2) { $0.double(4, value) }
        }
    }

    package mutating func attribute(_ field: Int, _ name: String, truth value: Bool) {
        message(field) {
            $0.string(1, name)
            $0.message(2) { $0.bool(2, value) }
        }
    }

    /// `KeyValue` with a list of texts.
    package mutating func attribute(_ field: Int, _ name: String, texts: [String]) {
        message(field) {
            $0.string(1, name)
            $0.message(2) { $0.message(5) { list in for text in texts { list.message(1) { $0.string(1, text) } } } }
        }
    }
}
