/// Why a request body is not the JSON that it should be.
package enum JSONFault: Error, Hashable, Sendable {
    case syntax
    case invalidUTF8
    case invalidEscape
    case controlCharacter
    case tooDeep
    case truncated
    case modelType
    case modelRepeated
    case modelLength

    /// What the caller is told.
    package var message: StaticString {
        switch self {
        case .syntax: "the body is not valid JSON"
        case .invalidUTF8: "the body is not valid UTF-8"
        case .invalidEscape: "the body holds an invalid string escape"
        case .controlCharacter: "the body holds a control character inside a string"
        case .tooDeep: "the body is nested deeper than 512 levels"
        case .truncated: "the body ends in the middle of a JSON value"
        case .modelType: "'model' must be a string"
        case .modelRepeated: "'model' is given more than once"
        case .modelLength: "'model' must have 1 to 256 bytes"
        }
    }

    /// The fault lies in the `model` field.
    package var concernsModel: Bool {
        self == .modelType || self == .modelRepeated || self == .modelLength
    }
}
