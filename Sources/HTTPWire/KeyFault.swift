/// A value in a request that is not what its key asks for.
package struct KeyFault: Hashable, Sendable {
    package enum Key: UInt8, Hashable, Sendable {
        case stream, streamOptions, includeUsage, maxTokens, maxCompletionTokens, maxOutputTokens, user, priority, n
    }

    package enum Problem: UInt8, Hashable, Sendable { case type, belowMinimum, aboveMaximum, repeated }

    /// The most answers that a request may want of one prompt.
    package static let mostAnswers: UInt64 = 128

    package let key: Key
    package let problem: Problem

    package init(key: Key, problem: Problem) {
        self.key = key
        self.problem = problem
    }

    /// The key as the request has it.
    package var param: StaticString {
        switch key {
        case .stream: "stream"
        case .streamOptions: "stream_options"
        case .includeUsage: "stream_options.include_usage"
        case .maxTokens: "max_tokens"
        case .maxCompletionTokens: "max_completion_tokens"
        case .maxOutputTokens: "max_output_tokens"
        case .user: "user"
        case .priority: "priority"
        case .n: "n"
        }
    }

    /// The OpenAI API's code for it; nil: it has none.
    package var code: StaticString? {
        switch problem {
        case .type: "invalid_type"
        case .belowMinimum: "integer_below_min_value"
        case .aboveMaximum: "integer_above_max_value"
        case .repeated: nil
        }
    }

    /// What the caller is told.
    package var message: String {
        switch problem {
        case .type: "Invalid type for '\(param)': expected \(expected)."
        case .belowMinimum: "Invalid '\(param)': integer below minimum value. Expected a value >= 1."
        case .aboveMaximum: "Invalid '\(param)': integer above maximum value. Expected a value <= \(Self.mostAnswers)."
        case .repeated: "Could not read the request: '\(param)' is given more than once."
        }
    }

    private var expected: StaticString {
        switch key {
        case .stream, .includeUsage: "a boolean"
        case .streamOptions: "an object"
        case .user: "a string"
        case .maxTokens, .maxCompletionTokens, .maxOutputTokens, .priority, .n: "an integer"
        }
    }
}
