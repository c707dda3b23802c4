/// Builds the answers of the generating endpoints: deterministic text that says who served it and what it saw.
struct Completions {
    enum Kind { case chat, text }

    let options: EngineOptions
    let kind: Kind
    let request: CompletionRequest
    let seq: Int

    private var count: Int { max(1, min(options.tokens, request.maxCompletionTokens ?? request.maxTokens ?? options.tokens)) }
    private var usage: String {
        let prompt = request.promptTokens
        return "{\"prompt_tokens\":\(prompt),\"completion_tokens\":\(count),\"total_tokens\":\(prompt + count)}"
    }

    private var bill: Bill { Bill(model: request.model, promptTokens: request.promptTokens, completionTokens: count) }

    private func token(_ index: Int) -> String {
        let text = index == 0 ? "engine=\(options.name) prompt=\(request.promptCharacters)" : " token\(index)"
        return text + String(repeating: ".", count: max(0, options.tokenBytes - text.utf8.count))
    }

    private func head(_ object: String) -> String {
        let prefix = kind == .chat ? "chatcmpl" : "cmpl"
        return "\"id\":\"\(prefix)-\(options.name)-\(seq)\",\"object\":\"\(object)\",\"created\":1700000000,"
            + "\"model\":\(quoted(request.model))"
    }

    func answer() -> Answer {
        guard request.stream == true else { return whole() }
        var answer = Answer(contentType: "text/event-stream; charset=utf-8", streams: true)
        answer.fields = [("cache-control", "no-cache")]
        answer.delayNanoseconds = options.firstToken(prompt: request.promptTokens)
        answer.id = request.mockId ?? ""
        answer.bill = bill
        answer.bill?.tokenParts = count
        for index in 0..<count { answer.parts.append(event(choice(index))) }
        answer.parts.append(event(kind == .chat ? finished("\"delta\":{}") : finished("\"text\":\"\"")))
        if request.streamOptions?.includeUsage == true { answer.parts.append(event("", usage: usage)) }
        answer.parts.append(Part("data: [DONE]\n\n"))
        return answer
    }

    private func whole() -> Answer {
        let text = quoted((0..<count).map(token).joined())
        let content = kind == .chat ? "\"message\":{\"role\":\"assistant\",\"content\":\(text)}" : "\"text\":\(text)"
        let object = kind == .chat ? "chat.completion" : "text_completion"
        var answer = Answer.json("{\(head(object)),\"choices\":[\(finished(content))],\"usage\":\(usage),\(Part.stampField)}")
        answer.delayNanoseconds = options.firstToken(prompt: request.promptTokens) + options.itl.nanoseconds * Int64(count - 1)
        answer.id = request.mockId ?? ""
        answer.bill = bill
        return answer
    }

    private func finished(_ content: String) -> String {
        "{\"index\":0,\(content),\"logprobs\":null,\"finish_reason\":\"stop\"}"
    }

    private func choice(_ index: Int) -> String {
        let role = index == 0 ? "\"role\":\"assistant\"," : ""
        let text = quoted(token(index))
        let content = kind == .chat ? "\"delta\":{\(role)\"content\":\(text)}" : "\"text\":\(text)"
        return "{\"index\":0,\(content),\"logprobs\":null,\"finish_reason\":null}"
    }

    private func event(_ choice: String, usage: String = "null") -> Part {
        let object = kind == .chat ? "chat.completion.chunk" : "text_completion"
        let usage = request.streamOptions?.includeUsage == true ? ",\"usage\":\(usage)" : ""
        return Part("data: {\(head(object)),\"choices\":[\(choice)]\(usage),\(Part.stampField)}\n\n")
    }
}

extension Completions {
    /// One vector of eight numbers for each input.
    static func embeddings(_ request: CompletionRequest) -> Answer {
        let vector = (0..<8).map { "0.\(($0 * 7 + request.promptCharacters) % 10)" }.joined(separator: ",")
        let data = (0..<request.inputs).map { "{\"object\":\"embedding\",\"index\":\($0),\"embedding\":[\(vector)]}" }
        let tokens = request.promptTokens
        var answer = Answer.json(
            "{\"object\":\"list\",\"data\":[\(data.joined(separator: ","))],\"model\":\(quoted(request.model)),"
                + "\"usage\":{\"prompt_tokens\":\(tokens),\"total_tokens\":\(tokens)},\(Part.stampField)}")
        answer.bill = Bill(model: request.model, promptTokens: tokens, completionTokens: 0)
        return answer
    }
}
