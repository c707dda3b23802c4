/// Why a message cannot be read. Each case is final: the connection cannot be trusted after it.
package enum HeadFault: Error, Hashable, Sendable {
    case bareLineFeed
    case bareCarriageReturn
    case requestLine
    case statusLine
    case version
    case fieldName
    case fieldValue
    case foldedField
    case tooManyFields
    case tooLarge
    case contentLength
    case repeatedContentLength
    case transferEncoding
    case lengthAndTransferEncoding
    case transferEncodingInHTTP10
    case host
    case connectionOption
    case expectation
    case chunk

    /// The status of the answer to a request with this fault.
    package var status: Int {
        switch self {
        case .tooManyFields, .tooLarge: 431
        case .version: 505
        case .expectation: 417
        default: 400
        }
    }

    /// What the caller is told.
    package var message: StaticString {
        switch self {
        case .bareLineFeed: "line ends with a bare LF"
        case .bareCarriageReturn: "bare CR in the head"
        case .requestLine: "malformed request line"
        case .statusLine: "malformed status line"
        case .version: "only HTTP/1.0 and HTTP/1.1 are served here"
        case .fieldName: "malformed field name"
        case .fieldValue: "control character in a field value"
        case .foldedField: "folded field line"
        case .tooManyFields: "more than 100 fields"
        case .tooLarge: "head larger than 32 KiB"
        case .contentLength: "malformed Content-Length"
        case .repeatedContentLength: "more than one Content-Length"
        case .transferEncoding: "unknown Transfer-Encoding"
        case .lengthAndTransferEncoding: "both Content-Length and Transfer-Encoding"
        case .transferEncodingInHTTP10: "Transfer-Encoding in an HTTP/1.0 message"
        case .host: "missing, repeated or malformed Host"
        case .connectionOption: "a field that Connection must not name"
        case .expectation: "unknown expectation"
        case .chunk: "malformed chunk"
        }
    }
}
