internal import Catalog
internal import ControlCoding

/// Asking a server which models it has, and reading its answer.
enum ModelListing {
    /// Bytes of an answer at most, and nanoseconds for it.
    static let bodyLimit = 4 << 20
    static let timeout: UInt64 = 5_000_000_000
    /// Names that are taken from one answer, and bytes of a name; the others are left out.
    static let maximumNames = 1000
    static let maximumBytes = 256

    /// nil: a server of this kind cannot be asked.
    static func request(to endpoint: Endpoint) -> [UInt8]? {
        switch endpoint.engine {
        case .openai: InquiryRequest.bytes("GET", "/v1/models", to: endpoint)
        // A server that has models which are not loaded would name them, too.
        case .kserveV2: InquiryRequest.bytes("POST", "/v2/repository/index", to: endpoint, body: "{\"ready\":true}")
        case .ollama: InquiryRequest.bytes("GET", "/api/tags", to: endpoint)
        case .raw: nil
        }
    }

    /// The names in an answer, each once, sorted.
    ///
    /// - Throws: when it is not what a server of this kind answers.
    static func names(_ body: [UInt8], of engine: Engine) throws(ControlLineError) -> [String] {
        let all: [String]
        switch engine {
        case .openai: all = try ControlLine.decode(OpenAIList.self, from: body).data.compactMap(\.id)
        case .kserveV2:
            all = try ControlLine.decode([IndexEntry].self, from: body).compactMap { $0.isReady ? $0.name : nil }
        case .ollama: all = try ControlLine.decode(OllamaList.self, from: body).models.compactMap(\.name)
        case .raw: all = []
        }
        return Array(Set(all.filter(isName)).sorted().prefix(maximumNames))
    }

    private static func isName(_ name: String) -> Bool {
        (1...maximumBytes).contains(name.utf8.count)
            && name.unicodeScalars.allSatisfy { !$0.properties.isWhitespace && $0.properties.generalCategory != .control }
    }

    private struct OpenAIList: Decodable {
        struct Entry: Decodable { var id: String? }
        var data: [Entry]
    }

    private struct IndexEntry: Decodable {
        var name: String?
        var state: String?
        /// Servers that do not say a state mean those that can be called.
        var isReady: Bool { state.map { $0.isEmpty || $0 == "READY" } ?? true }
    }

    private struct OllamaList: Decodable {
        struct Entry: Decodable { var name: String? }
        var models: [Entry]
    }
}
