/// What came of an attempt.
package enum Outcome: Hashable, Sendable {
    /// An answer to its end; nanoseconds from the start.
    case success(firstByte: UInt64, total: UInt64)
    case connectFailed
    /// The connection ended without an answer.
    case noAnswer
    /// An answer with a status of 400 or above, and the nanoseconds of its Retry-After. `ofCaller`: the request carried
    /// credentials of the caller's, so that what the answer says of limits may be said of these alone.
    case status(UInt16, retryAfter: UInt64?, ofCaller: Bool = false)
    /// No first byte in time.
    case timedOut
    /// The answer began and did not end.
    case brokenStream
    /// The caller went, or another attempt was faster.
    case cancelled
}

extension Outcome {
    /// The endpoint, and not the caller, is to blame.
    var isFailure: Bool {
        switch self {
        case .success, .cancelled: false
        case .status(let status, _, _): status == 429 || status >= 500
        case .connectFailed, .noAnswer, .timedOut, .brokenStream: true
        }
    }

    /// In words.
    var text: String {
        switch self {
        case .success: ""
        case .cancelled: "given up"
        case .status(let status, _, _): "status \(status)"
        case .connectFailed: "no connection"
        case .noAnswer: "no answer"
        case .timedOut: "no answer in time"
        case .brokenStream: "the answer broke off"
        }
    }
}
