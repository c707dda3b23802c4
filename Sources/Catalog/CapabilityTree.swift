/// What a caller may ask for instead of a name. A tree of dotted paths; a node stands for all below it.
package struct CapabilityTree: Hashable, Sendable {
    /// Every node's path, inner ones included, sorted.
    package let paths: [String]
    private let known: Set<String>

    /// The built-in tree with `custom` paths beside it; nodes above them are there, too.
    package init(custom: [String] = []) {
        var nodes: Set<String> = []
        for leaf in Self.builtIn + custom {
            var path = Substring(leaf)
            while true {
                nodes.insert(String(path))
                guard let dot = path.lastIndex(of: ".") else { break }
                path = path[..<dot]
            }
        }
        known = nodes
        paths = nodes.sorted()
    }

    /// The full path that `text` means: itself, an alias, or the only node whose last part it is. nil: none, or several.
    package func path(_ text: String) -> String? {
        if known.contains(text) { return text }
        if let path = Self.aliases[text] { return path }
        let suffix = "." + text
        let matches = paths.filter { $0.hasSuffix(suffix) }
        return matches.count == 1 ? matches[0] : nil
    }

    /// Whether something that has `capability` has what `wanted` asks for: the same, or one below it.
    package static func satisfies(_ capability: String, _ wanted: String) -> Bool {
        capability == wanted || (capability.hasPrefix(wanted) && capability.dropFirst(wanted.count).first == ".")
    }

    /// The names that stand for `path`.
    package func aliases(of path: String) -> [String] {
        Self.aliases.filter { $0.value == path }.map(\.key).sorted()
    }

    package static let aliases: [String: String] = [
        "chat-completion": "generation.text-generation.chat-completion",
        "text-generation": "generation.text-generation",
        "code-generation": "generation.text-generation.code-generation",
        "text-embeddings": "representation.embeddings.text-embeddings",
        "text-to-speech": "generation.audio-generation.text-to-speech",
        "speech-to-text": "understanding.audio-understanding.speech-to-text",
        "text-to-image": "generation.image-generation.text-to-image",
        "image-to-text": "understanding.vision-understanding.image-captioning",
    ]

    private static let builtIn = [
        "generation.text-generation.chat-completion", "generation.text-generation.text-completion",
        "generation.text-generation.code-generation", "generation.structured-generation.json-generation",
        "generation.structured-generation.schema-constrained-output",
        "generation.structured-generation.function-call-generation", "generation.image-generation.text-to-image",
        "generation.image-generation.image-to-image", "generation.image-generation.inpainting",
        "generation.audio-generation.text-to-speech", "generation.audio-generation.music-generation",
        "generation.video-generation", "understanding.text-understanding",
        "understanding.vision-understanding.image-captioning", "understanding.vision-understanding.object-detection",
        "understanding.vision-understanding.ocr", "understanding.audio-understanding.speech-to-text",
        "understanding.audio-understanding.speaker-identification", "understanding.audio-understanding.audio-classification",
        "understanding.document-understanding", "transformation", "representation.embeddings.text-embeddings",
        "representation.embeddings.image-embeddings", "representation.embeddings.multimodal-embeddings", "retrieval.search",
        "retrieval.knowledge-graph", "retrieval.rag", "retrieval.reranking", "interaction.tool-calling",
        "interaction.agent-execution", "interaction.multi-turn-conversation", "evaluation.content-moderation",
        "evaluation.toxicity-detection", "evaluation.factuality-checking", "evaluation.quality-scoring",
    ]
}
