/// Ollama's own API: `/api/chat`, `/api/generate`, `/api/embed`, `/api/tags`; streams are JSON lines and are the default.
struct OllamaAnswers {
    let options: EngineOptions

    func tags() -> Answer {
        let models = options.modelNames.map { "{\"name\":\(quoted($0)),\"model\":\(quoted($0)),\"size\":1}" }
        return .json("{\"models\":[\(models.joined(separator: ","))]}")
    }

    func chat(_ request: CompletionRequest) -> Answer {
        answer(request) { "\"message\":{\"role\":\"assistant\",\"content\":\($0)}" }
    }

    func generate(_ request: CompletionRequest) -> Answer { answer(request) { "\"response\":\($0)" } }

    func embed(_ request: CompletionRequest) -> Answer {
        let head = "\"model\":\(quoted(request.model)),\"embeddings\":[[0.1,0.2]]"
        var answer = Answer.json("{\(head),\"prompt_eval_count\":\(request.promptTokens)}")
        answer.bill = Bill(model: request.model, promptTokens: request.promptTokens, completionTokens: 0)
        return answer
    }

    private func answer(_ request: CompletionRequest, _ content: (String) -> String) -> Answer {
        let count = options.tokens
        let head = "\"model\":\(quoted(request.model)),\"created_at\":\"2026-01-01T00:00:00Z\""
        let end = "\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":\(request.promptTokens),\"eval_count\":\(count)"
        let words = (0..<count).map { $0 == 0 ? "engine=\(options.name)" : " token\($0)" }
        let delay = options.ttft.nanoseconds
        let bill = Bill(model: request.model, promptTokens: request.promptTokens, completionTokens: count)
        guard request.stream != false else {
            var whole = Answer.json("{\(head),\(content(quoted(words.joined()))),\(end)}")
            whole.delayNanoseconds = delay
            whole.bill = bill
            return whole
        }
        var answer = Answer(contentType: "application/x-ndjson", streams: true)
        answer.delayNanoseconds = delay
        answer.bill = bill
        answer.bill?.tokenParts = count
        answer.parts = words.map { Part("{\(head),\(content(quoted($0))),\"done\":false}\n") }
        answer.parts.append(Part("{\(head),\(content("\"\"")),\(end)}\n"))
        return answer
    }
}
