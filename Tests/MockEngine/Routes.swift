/// Finds the answer to a request.
struct Routes {
    let shared: EngineState

    private var options: EngineOptions { shared.options }

    /// Paths of the tests' own, and of those who look after engines: never recorded, and spared by faults.
    static func isOwn(_ head: RequestHead) -> Bool {
        head.path.hasPrefix("/debug/") || head.path == "/health" || head.path == "/metrics"
    }

    func answer(_ head: RequestHead, body: [UInt8], seq: Int) -> Answer {
        if head.path.hasPrefix("/debug/") { return DebugRoutes(shared: shared).answer(head) }
        if shared.life.isLoading { return loading(head, seq: seq) }
        switch (head.method, head.path) {
        case ("GET", "/health"), ("HEAD", "/health"): return .json("{\"status\":\"ok\"}")
        case ("GET", "/metrics"): return MetricsAnswer(options: options, slots: shared.slots.figures).answer()
        case ("GET", "/v1/models"), ("HEAD", "/v1/models"): return models()
        case ("GET", "/api/tags"): return OllamaAnswers(options: options).tags()
        case ("POST", "/api/chat"), ("POST", "/api/generate"), ("POST", "/api/embed"):
            return generated(head, body: body, seq: seq)
        case ("POST", "/v1/chat/completions"), ("POST", "/v1/completions"), ("POST", "/v1/embeddings"):
            return generated(head, body: body, seq: seq)
        case (_, "/echo"):
            let type = head.values("content-type").first ?? "application/octet-stream"
            return Answer(contentType: type, parts: [Part(plain: body)])
        case (_, "/early-hints"): return .json("{\"hints\":1}")
        case (_, let path) where path.hasPrefix("/status/"): return status(path)
        case (_, let path) where path == "/v2" || path.hasPrefix("/v2/"):
            return InferenceProtocol(options: options).answer(head, body: body) ?? .error(404, "no such path")
        default: return .error(404, "there is no \(head.method) \(head.path) here")
        }
    }

    /// The fault that the options ask for, if it is this request's turn.
    func failure(seq: Int) -> Answer? {
        if let status = shared.faults.status(of: seq) { return .error(status, "failing on request, as told") }
        guard let status = options.failStatus, seq % options.failEvery == 0 else { return nil }
        return .error(status, "failing on request, as told")
    }

    /// As engines do whose model is not there yet. Whoever sends it work has not waited for it.
    private func loading(_ head: RequestHead, seq: Int) -> Answer {
        if seq > 0 { shared.served.note("early", "\"path\":\(quoted(head.path))") }
        return .error(503, "the model is being loaded")
    }

    private func models() -> Answer {
        let data = options.modelNames.map {
            "{\"id\":\(quoted($0)),\"object\":\"model\",\"created\":1700000000,\"owned_by\":\(quoted(options.name))}"
        }
        return .json("{\"object\":\"list\",\"data\":[\(data.joined(separator: ","))]}")
    }

    private func generated(_ head: RequestHead, body: [UInt8], seq: Int) -> Answer {
        let request: CompletionRequest
        do {
            request = try CompletionRequest(body: body)
        } catch {
            return .error(400, "not a request: \(error)")
        }
        guard options.serves(request.model) else {
            return .error(404, "the model \(request.model) does not exist", code: "model_not_found")
        }
        switch head.path {
        case "/api/chat": return OllamaAnswers(options: options).chat(request)
        case "/api/generate": return OllamaAnswers(options: options).generate(request)
        case "/api/embed": return OllamaAnswers(options: options).embed(request)
        case "/v1/embeddings": return Completions.embeddings(request)
        case "/v1/completions": return Completions(options: options, kind: .text, request: request, seq: seq).answer()
        default: return Completions(options: options, kind: .chat, request: request, seq: seq).answer()
        }
    }

    private func status(_ path: String) -> Answer {
        guard let status = Int(path.dropFirst("/status/".count)), (200...599).contains(status) else {
            return .error(400, "/status/200 to /status/599")
        }
        var answer = Answer.json("{\"status\":\(status)}", status: status)
        if status == 304 { answer.fields = [("etag", "\"mock\"")] }
        if (300..<400).contains(status), status != 304 { answer.fields = [("location", "/health")] }
        return answer
    }
}
