internal import Catalog

/// A request that is asked about and not made, as the CLI puts it.
package struct ExplainRequest: Hashable, Sendable, Codable {
    package struct Header: Hashable, Sendable, Codable {
        package var name: String
        package var value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    package var model: String
    /// nil: a caller that nobody knows.
    package var client: String?
    /// A pod of this node, `namespace/name`, in the place of a client; nil: none.
    package var pod: String?
    package var headers: [Header]
    /// The body's `user`, and its prompt; nil: it has none.
    package var user: String?
    package var prompt: String?

    package init(
        model: String, client: String? = nil, pod: String? = nil, headers: [Header] = [], user: String? = nil,
        prompt: String? = nil
    ) {
        self.model = model
        self.client = client
        self.pod = pod
        self.headers = headers
        self.user = user
        self.prompt = prompt
    }

    /// What the proxy is asked.
    package var query: ExplainQuery {
        ExplainQuery(
            model: model, client: client ?? "",
            headers: headers.map { ExplainHeader(name: $0.name.lowercased(), value: $0.value) }, user: user ?? "",
            prompt: prompt ?? "")
    }
}

/// How a name is resolved and an endpoint chosen, stage by stage.
package struct ExplainReport: Hashable, Sendable, Codable {
    package struct Candidate: Hashable, Sendable, Codable {
        package var model: String
        package var url: String
        package var address: String
        /// What the strategy compared; lower is better. nil: it was dropped before.
        package var score: Double?
        /// What the score means, or why it was dropped.
        package var note: String
        package var isFallback: Bool
        package var isChosen: Bool

        package init(
            model: String, url: String, address: String, score: Double?, note: String, isFallback: Bool = false,
            isChosen: Bool = false
        ) {
            self.model = model
            self.url = url
            self.address = address
            self.score = score
            self.note = note
            self.isFallback = isFallback
            self.isChosen = isChosen
        }
    }

    /// Where a request waits.
    package struct Line: Hashable, Sendable, Codable {
        package var model: String
        package var group: String
        /// Among the requests of the group; 1: it would be the next of them.
        package var place: UInt32
        /// Until it would have a slot; nil: nobody knows.
        package var expectedMilliseconds: UInt64?
    }

    /// A pod of this node.
    package struct Pod: Hashable, Sendable, Codable {
        /// `namespace/name`
        package var name: String
        package var serviceAccount: String
        /// Who it is to the kernel; nil: nobody.
        package var client: String?
        /// It has opted out, or has not opted in: its connections go their own way.
        package var isExempt: Bool

        package init(name: String, serviceAccount: String, client: String?, isExempt: Bool) {
            self.name = name
            self.serviceAccount = serviceAccount
            self.client = client
            self.isExempt = isExempt
        }
    }

    /// What was asked about.
    package var model: String
    /// The pod that was asked about, or those of this node that are the client; nil: there is no cluster, or no client.
    package var pods: [Pod]?
    /// `pool`, `model` or `capability`; nil: nothing has that name.
    package var kind: String?
    /// The full name that it was resolved to.
    package var name: String
    package var strategy: String?
    /// `stage: what came of it`, in order.
    package var stages: [String]
    package var candidates: [Candidate]
    /// nil: it would not wait.
    package var waitsIn: Line?
    /// Of the refusal; nil: there is none.
    package var status: UInt16?
    package var refusal: String?

    package init(_ decision: RouteDecision, model: String) {
        self.model = model
        kind = decision.kind.isEmpty ? nil : decision.kind
        name = decision.name
        strategy = decision.strategy.isEmpty ? nil : decision.strategy
        stages = decision.stages
        candidates = decision.candidates.enumerated().map { index, candidate in
            Candidate(
                model: candidate.model, url: candidate.key.url, address: candidate.key.address.description,
                // JSON has no infinity.
                score: candidate.score.flatMap { $0.isFinite ? $0 : nil }, note: candidate.note,
                isFallback: candidate.isFallback, isChosen: decision.chosen == index)
        }
        waitsIn = decision.line.map {
            Line(model: $0.model, group: $0.group, place: $0.place, expectedMilliseconds: $0.wait)
        }
        status = decision.chosen == nil && decision.status != 0 ? decision.status : nil
        refusal = decision.chosen == nil && !decision.refusal.isEmpty ? decision.refusal : nil
    }

    package var chosen: Candidate? { candidates.first { $0.isChosen } }
}
