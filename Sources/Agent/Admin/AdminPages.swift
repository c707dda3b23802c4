internal import Telemetry

/// What the admin listener answers.
struct AdminAnswer: Hashable, Sendable {
    var status: Int
    var contentType = "text/plain; charset=utf-8"
    var body: [UInt8]
    /// Methods that would have been right, for 405.
    var allow: String?
    /// For what a browser shows: nothing from elsewhere, and nobody else may show it. Empty: for machines.
    var contentPolicy = ""

    /// Fields by which nobody else's page may load, frame or guess at what a browser is shown, and nothing keeps it.
    var guards: [(name: String, value: String)] {
        guard !contentPolicy.isEmpty else { return [] }
        return [
            ("content-security-policy", contentPolicy), ("cross-origin-resource-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"), ("x-content-type-options", "nosniff"), ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"), ("cache-control", "no-store"),
        ]
    }

    init(_ status: Int, _ line: String) {
        self.status = status
        body = Array((line + "\n").utf8)
    }
}

/// Which page is where. Gathering what stands on it is left to others.
struct AdminPages: Sendable {
    private enum Page: String {
        case health = "/healthz"
        case readiness = "/readyz"
        case metrics = "/metrics"
        case live = "/"
        case liveData = "/api/live"

        /// For browsers, which may be led here by somebody else's name for this address.
        var isForBrowsers: Bool { self == .live || self == .liveData }
    }

    var readiness: @Sendable () async -> Readiness
    var metrics: @Sendable () async -> MetricsPage
    /// JSON for the live page.
    var live: @Sendable () async -> [UInt8]

    /// - Parameters:
    ///   - target: the request target; a query is ignored.
    ///   - hosts: values of the request's Host fields.
    func answer(method: String, target: String, hosts: [String]) async -> AdminAnswer {
        guard let page = Page(rawValue: String(target.prefix { $0 != "?" })) else {
            return AdminAnswer(404, "there is no such page")
        }
        guard method == "GET" || method == "HEAD" else {
            var answer = AdminAnswer(405, "only GET and HEAD")
            answer.allow = "GET, HEAD"
            return answer
        }
        if page.isForBrowsers, !AdminHost.isTrusted(hosts) {
            return AdminAnswer(421, "call this page by its address or as localhost: any other name may be somebody else's")
        }
        return await answer(page)
    }

    private func answer(_ page: Page) async -> AdminAnswer {
        var answer = AdminAnswer(200, "ok")
        switch page {
        case .health: break
        case .readiness:
            let obstacle = await readiness().obstacle
            return obstacle.map { AdminAnswer(503, $0) } ?? AdminAnswer(200, "ready")
        case .metrics:
            answer.contentType = PrometheusText.contentType
            answer.body = await metrics().render().bytes
        case .live: return WebPage.answer()
        case .liveData:
            answer.contentType = "application/json"
            answer.contentPolicy = "default-src 'none'; frame-ancestors 'none'"
            answer.body = await live()
        }
        return answer
    }
}
