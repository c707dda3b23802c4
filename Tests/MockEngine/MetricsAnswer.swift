/// How busy the engine says it is, as Prometheus text with the names that engines have for it.
struct MetricsAnswer {
    let options: EngineOptions
    let slots: Slots.Figures

    func answer() -> Answer {
        Answer(contentType: "text/plain; version=0.0.4; charset=utf-8", parts: [Part(plain: Array(text.utf8))])
    }

    private var text: String {
        let model = options.modelNames.first ?? "*"
        return switch options.size.metricNames {
        case .vllm:
            gauge("vllm:num_requests_running", "{model_name=\"\(model)\"}", slots.running)
                + gauge("vllm:num_requests_waiting", "{model_name=\"\(model)\"}", slots.waiting)
                + gauge("vllm:kv_cache_usage_perc", "{model_name=\"\(model)\"}", 0)
        case .sglang:
            gauge("sglang:num_running_reqs", "{model_name=\"\(model)\"}", slots.running)
                + gauge("sglang:num_queue_reqs", "{model_name=\"\(model)\"}", slots.waiting)
        case .triton:
            gauge("nv_trt_llm_request_metrics", "{model=\"\(model)\",request_type=\"scheduled\",version=\"1\"}", slots.running)
                + "nv_trt_llm_request_metrics{model=\"\(model)\",request_type=\"waiting\",version=\"1\"} \(slots.waiting)\n"
        }
    }

    private func gauge(_ name: String, _ labels: String, _ value: Int) -> String {
        "# HELP \(name) As engines say it.\n# TYPE \(name) gauge\n\(name)\(labels) \(Double(value))\n"
    }
}
