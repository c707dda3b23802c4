internal import Telemetry

/// What the admin listener answers.
struct AdminAnswer: Hashable, Sendable {
    var status: Int
    var contentType = "text/plain; charset=utf-8"
    var body: [UInt8]
    /// Methods that would have been right, for 405.
    var allow: String?

    init(_ status: Int, _ line: String) {
        self.status = status
        body = Array((line + "\n").utf8)
    }
}

/// Which page is where. Gathering what stands on it is left to others.
struct AdminPages: Sendable {
    var readiness: @Sendable () async -> Readiness
    var metrics: @Sendable () async -> MetricsPage

    /// - Parameter target: the request target; a query is ignored.
    func answer(method: String, target: String) async -> AdminAnswer {
        let path = target.prefix { $0 != "?" }
        guard ["/healthz", "/readyz", "/metrics"].contains(path) else { return AdminAnswer(404, "there is no such page") }
        guard method == "GET" || method == "HEAD" else {
            var answer = AdminAnswer(405, "only GET and HEAD")
            answer.allow = "GET, HEAD"
            return answer
        }
        switch path {
        case "/healthz": return AdminAnswer(200, "ok")
        case "/readyz":
            let obstacle = await readiness().obstacle
            return obstacle.map { AdminAnswer(503, $0) } ?? AdminAnswer(200, "ready")
        default:
            var answer = AdminAnswer(200, "")
            answer.contentType = PrometheusText.contentType
            answer.body = await metrics().render().bytes
            return answer
        }
    }
}
