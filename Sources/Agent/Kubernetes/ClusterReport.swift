internal import Control
internal import Kubernetes

extension StatusReport.Kubernetes {
    init(_ state: ClusterState) {
        self.init()
        server = state.server
        node = state.node
        (self.state, reason) = Self.words(state.condition)
        since = Timestamp.text(seconds: Int(state.since / 1000), milliseconds: Int(state.since % 1000))
        resources = state.resources.map { resource in
            let (word, reason) = Self.words(resource.condition)
            return StatusReport.Kubernetes.Resource(name: resource.name, state: word, objects: resource.objects, reason: reason)
        }
    }

    private static func words(_ condition: ReflectorCondition) -> (State, String?) {
        switch condition {
        case .starting: (.starting, nil)
        case .synced: (.synced, nil)
        case .away(let reason): (.away, reason)
        }
    }
}
