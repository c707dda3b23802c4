private import CWebPage

/// The live page: one document with its script and its style, which loads nothing but its own data.
enum WebPage {
    /// Stands in the document where the nonce of each answer goes.
    private static let placeholder = Array("@NONCE@".utf8)
    private static let document: [UInt8] = {
        var length = 0
        let bytes = webpage_html(&length)
        return Array(UnsafeBufferPointer(start: bytes, count: length))
    }()

    static func answer() -> AdminAnswer {
        let nonce = nonce()
        var answer = AdminAnswer(200, "")
        answer.contentType = "text/html; charset=utf-8"
        answer.body = filled(nonce)
        answer.contentPolicy =
            "default-src 'none'; script-src 'nonce-\(nonce)'; style-src 'nonce-\(nonce)'; connect-src 'self'; "
            + "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        return answer
    }

    private static func nonce() -> String {
        var random = SystemRandomNumberGenerator()
        let digits = Array("0123456789abcdefghijklmnopqrstuv")
        return String((0..<26).map { _ in digits[Int.random(in: 0..<digits.count, using: &random)] })
    }

    private static func filled(_ nonce: String) -> [UInt8] {
        var body: [UInt8] = []
        body.reserveCapacity(document.count + 128)
        var rest = document[...]
        while let at = rest.firstIndex(of: placeholder[0]) {
            body += rest[..<at]
            rest = rest[at...]
            if rest.starts(with: placeholder) {
                body += nonce.utf8
                rest = rest.dropFirst(placeholder.count)
            } else {
                body.append(rest.removeFirst())
            }
        }
        return body + rest
    }
}
