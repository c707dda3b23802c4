internal import Catalog
internal import Control

/// The requests that the agent itself makes of servers, as bytes.
enum InquiryRequest {
    /// - Parameters:
    ///   - path: goes behind the endpoint's prefix; what may not stand in a request line is percent-encoded.
    ///   - body: JSON; nil: none.
    static func bytes(_ method: String, _ path: String, to endpoint: Endpoint, body: String? = nil) -> [UInt8] {
        var lines = [
            "\(method) \(target(endpoint.pathPrefix + path)) HTTP/1.1", "Host: \(endpoint.authority)",
            "User-Agent: modelbroker/\(Version.current)", "Accept: */*", "Connection: close",
        ]
        // A key that cannot stand in a field is not sent in parts either.
        if let key = endpoint.key?.reveal, key.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) {
            lines.append("Authorization: Bearer \(key)")
        }
        if let body { lines += ["Content-Type: application/json", "Content-Length: \(body.utf8.count)"] }
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n" + (body ?? "")).utf8)
    }

    private static func target(_ path: String) -> String {
        let digits = Array("0123456789ABCDEF")
        var target = path.hasPrefix("/") ? "" : "/"
        for byte in path.utf8 {
            if byte > 0x20, byte < 0x7F {
                target.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                target += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
        return target
    }
}
