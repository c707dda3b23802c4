internal import Catalog

/// Which answers to a health check are those of a server that is well.
///
///     what is asked                        well
///     nothing (raw, `path: ""`)            it takes connections; with https it proves its name, too
///     openai's own /v1/models              100-499 but 429: whoever refuses our credentials, or has no such page, is up
///     kserve-v2's /v2/health/ready         200, as the Open Inference Protocol has it
///     ollama's /api/tags                   200
///     a path of the configuration          200-399, as Kubernetes' probes have it
///
/// Redirections are not followed.
enum HealthRule: Hashable, Sendable {
    case connection
    case own(Engine)
    case configured

    init(_ endpoint: Endpoint) {
        let path = endpoint.health.path ?? endpoint.engine.healthPath
        if path.isEmpty {
            self = .connection
        } else {
            self = endpoint.health.path == nil ? .own(endpoint.engine) : .configured
        }
    }

    /// What a status says against the server; nil: nothing.
    func fault(status: Int) -> String? {
        let isWell =
            switch self {
            case .connection: true
            case .own(.openai): status < 500 && status != 429
            case .own: status == 200
            case .configured: (200..<400).contains(status)
            }
        return isWell ? nil : "status \(status)"
    }
}
