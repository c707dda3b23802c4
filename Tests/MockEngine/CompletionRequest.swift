import FoundationEssentials

/// The part of a request body that decides the answer; everything else is ignored, as engines do.
struct CompletionRequest: Decodable {
    struct StreamOptions: Decodable { var includeUsage: Bool? }
    struct Message: Decodable { var content: PromptText? }

    var model: String
    var stream: Bool?
    var streamOptions: StreamOptions?
    var maxTokens: Int?
    var maxCompletionTokens: Int?
    /// Instead of a quarter of the prompt's characters: tests that need a certain number say it.
    var mockPromptTokens: Int?
    /// What the request is called in the log of those that were served.
    var mockId: String?
    var messages: [Message]?
    var prompt: PromptText?
    var input: PromptText?

    var promptCharacters: Int {
        (messages ?? []).reduce(0) { $0 + ($1.content?.characters ?? 0) } + (prompt?.characters ?? 0) + (input?.characters ?? 0)
    }

    /// A function of the body alone.
    var promptTokens: Int { max(0, mockPromptTokens ?? (promptCharacters + 3) / 4) }

    var inputs: Int { input?.parts ?? 1 }

    init(body: [UInt8]) throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        self = try decoder.decode(Self.self, from: Data(body))
    }
}

/// Text where the API takes a string, a list of strings, or a list of parts with text.
struct PromptText: Decodable {
    private struct Part: Decodable { var text: String? }

    var characters: Int
    var parts: Int

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let text = try? container.decode(String.self) {
            (characters, parts) = (text.count, 1)
        } else if let list = try? container.decode([String].self) {
            (characters, parts) = (list.reduce(0) { $0 + $1.count }, list.count)
        } else if let list = try? container.decode([Part].self) {
            (characters, parts) = (list.reduce(0) { $0 + ($1.text?.count ?? 0) }, list.count)
        } else {
            (characters, parts) = (0, 1)
        }
    }
}

/// A string as a JSON literal.
func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": result += "\\\""
        case "\\": result += "\\\\"
        case _ where scalar.value < 32:
            let digits = String(scalar.value, radix: 16)
            result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result + "\""
}
