import Catalog
import HTTPWire

/// What a request does, by its path and method.
enum RequestOperation {
    /// - Parameter target: the request target in `bytes`, query included.
    static func of(_ head: RequestHead, _ bytes: Span<UInt8>) -> Operation {
        let path = PlainPath.range(bytes, head.target.range)
        let isDelete = head.method == .other && bytes.equals(head.methodName.range, "DELETE")
        guard PlainPath.isOdd(bytes, path) else { return plain(bytes, path, head.method, isDelete: isDelete) }
        let normalized = PlainPath.normalized(bytes, path)
        let (written, meant) = (
            plain(bytes, path, head.method, isDelete: isDelete),
            plain(normalized.span, 0..<normalized.count, head.method, isDelete: isDelete)
        )
        // A server may read it either way.
        return written == .admin ? written : meant
    }

    private static func plain(_ bytes: Span<UInt8>, _ path: Range<Int>, _ method: Method, isDelete: Bool) -> Operation {
        if bytes.starts(path, "/v1/") { return openai(bytes, path, isDelete: isDelete) }
        if bytes.starts(path, "/api/") { return ollama(bytes, path) }
        return bytes.starts(path, "/v2") ? kserve(bytes, path, method) : .other
    }

    private static func openai(_ bytes: Span<UInt8>, _ path: Range<Int>, isDelete: Bool) -> Operation {
        if has(bytes, path, "/v1/chat/completions") || has(bytes, path, "/v1/completions") { return .chat }
        if has(bytes, path, "/v1/models") { return isDelete ? .admin : .list }
        if has(bytes, path, "/v1/responses") || has(bytes, path, "/v1/messages") { return .chat }
        let isEmbedding = has(bytes, path, "/v1/embeddings") || has(bytes, path, "/v1/rerank") || has(bytes, path, "/v1/score")
        return isEmbedding ? .embeddings : .other
    }

    private static func ollama(_ bytes: Span<UInt8>, _ path: Range<Int>) -> Operation {
        if has(bytes, path, "/api/chat") || has(bytes, path, "/api/generate") { return .chat }
        if has(bytes, path, "/api/embed") || has(bytes, path, "/api/embeddings") { return .embeddings }
        let isChange =
            has(bytes, path, "/api/pull") || has(bytes, path, "/api/push") || has(bytes, path, "/api/create")
            || has(bytes, path, "/api/copy") || has(bytes, path, "/api/delete")
        if isChange { return .admin }
        let isList =
            has(bytes, path, "/api/tags") || has(bytes, path, "/api/show") || has(bytes, path, "/api/ps")
            || has(bytes, path, "/api/version")
        return isList ? .list : .other
    }

    private static func kserve(_ bytes: Span<UInt8>, _ path: Range<Int>, _ method: Method) -> Operation {
        if bytes.starts(path, "/v2/repository/models/") { return .admin }
        guard bytes.starts(path, "/v2/models/") else { return has(bytes, path, "/v2/rerank") ? .embeddings : .list }
        if ends(bytes, path, "/infer") || ends(bytes, path, "/generate") || ends(bytes, path, "/generate_stream") { return .chat }
        return method == .post ? .other : .list
    }

    /// Whether the path is `name`, or something below it.
    private static func has(_ bytes: Span<UInt8>, _ path: Range<Int>, _ name: StaticString) -> Bool {
        guard bytes.starts(path, name) else { return false }
        let end = path.lowerBound + name.utf8CodeUnitCount
        return end == path.upperBound || bytes[end] == 0x2F
    }

    private static func ends(_ bytes: Span<UInt8>, _ path: Range<Int>, _ name: StaticString) -> Bool {
        let count = name.utf8CodeUnitCount
        return path.count >= count && bytes.equals(path.upperBound - count..<path.upperBound, name)
    }
}
