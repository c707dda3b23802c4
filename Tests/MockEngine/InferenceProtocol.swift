/// Open Inference Protocol v2 over REST: health, metadata, the index, and an inference that gives its input back.
struct InferenceProtocol {
    let options: EngineOptions

    /// nil: no path of the protocol.
    func answer(_ head: RequestHead, body: [UInt8]) -> Answer? {
        let parts = head.path.split(separator: "/").map(String.init)
        guard parts.first == "v2" else { return nil }
        switch (head.method, Array(parts.dropFirst())) {
        case ("GET", []): return .json("{\"name\":\(quoted(options.name)),\"version\":\"1\",\"extensions\":[]}")
        case ("GET", ["health", "live"]), ("GET", ["health", "ready"]): return .json("{}")
        case ("POST", ["repository", "index"]):
            let models = options.modelNames.map { "{\"name\":\(quoted($0)),\"state\":\"READY\"}" }
            return .json("[\(models.joined(separator: ","))]")
        case (let method, let rest) where rest.first == "models" && rest.count >= 2: return model(method, rest, head, body)
        default: return .json("{\"error\":\"no such path\"}", status: 404)
        }
    }

    private func model(_ method: String, _ rest: [String], _ head: RequestHead, _ body: [UInt8]) -> Answer {
        let name = rest[1]
        guard options.serves(name) else { return .json("{\"error\":\(quoted("no model \(name)"))}", status: 404) }
        let verb = rest.count > 2 && rest[2] == "versions" ? rest.dropFirst(4).first : rest.dropFirst(2).first
        switch (method, verb) {
        case ("GET", nil):
            return .json("{\"name\":\(quoted(name)),\"versions\":[\"1\"],\"platform\":\"mock\",\"inputs\":[],\"outputs\":[]}")
        case ("GET", "ready"): return .json("{}")
        case ("POST", "infer"): return infer(name, head, body)
        default: return .json("{\"error\":\"no such path\"}", status: 404)
        }
    }

    /// A request with binary tensors is given back byte by byte behind the answer's own JSON.
    private func infer(_ name: String, _ head: RequestHead, _ body: [UInt8]) -> Answer {
        let json = "{\"model_name\":\(quoted(name)),\"model_version\":\"1\",\"outputs\":[{\"name\":\"engine\",\"shape\":[1],"
        guard let size = head.values("inference-header-content-length").first.flatMap(Int.init), size <= body.count else {
            return .json(json + "\"datatype\":\"BYTES\",\"data\":[\(quoted(options.name))]}]}")
        }
        let tensor = body[size...]
        let header = Array((json + "\"datatype\":\"BYTES\",\"parameters\":{\"binary_data_size\":\(tensor.count)}}]}").utf8)
        var answer = Answer(contentType: "application/octet-stream", parts: [Part(plain: header + tensor)])
        answer.fields = [("inference-header-content-length", String(header.count))]
        return answer
    }
}
