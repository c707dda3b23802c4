internal import Catalog
internal import Kubernetes

/// Changes objects of the API server, one request at a time for each call, on a thread of the call's own.
struct APIWriter: Sendable {
    /// Nanoseconds for one request, and bytes of its answer at most.
    private static let timeout: UInt64 = 10_000_000_000
    private static let answerLimit = 4 << 20

    let cluster: Cluster

    /// PATCHes what is at a path with a JSON merge patch (RFC 7396).
    func merge(_ path: String, _ patch: [UInt8]) async throws(APIWriteError) {
        try await self.patch(path, patch, type: "application/merge-patch+json")
    }

    /// PATCHes what is at a path.
    ///
    /// - Parameters:
    ///   - target: path and query, of the object or of its `status`.
    ///   - type: which kind of patch it is: `application/apply-patch+yaml`.
    /// - Throws: why it was not done; `code` of the status is what the server said.
    func patch(_ target: String, _ patch: [UInt8], type: String) async throws(APIWriteError) {
        guard let web = WebAddress(cluster.server + target) else { throw APIWriteError("\(cluster.server) is no URL") }
        var token = ServiceToken(file: cluster.tokenFile)
        var headers = ["Content-Type: \(type)"]
        do throws(KubernetesFault) {
            if let line = try token.line() { headers.append(line) }
        } catch {
            throw APIWriteError(error.description)
        }
        let call = WebCall(
            method: "PATCH", address: web, caFile: cluster.caFile, headers: headers, body: patch, timeout: Self.timeout,
            bodyLimit: Self.answerLimit)
        let outcome = await BackgroundThread.run("kubernetes") { () -> Inquiry.Outcome in
            var trust = TLSTrust()
            return call.run(&trust)
        }
        switch outcome {
        case .replied(let reply) where (200..<300).contains(reply.status): return
        case .replied(let reply):
            let status = APIStatus(code: reply.status, body: reply.body)
            throw APIWriteError(status.text, code: reply.status)
        case .failed(let reason), .unknown(let reason): throw APIWriteError(reason)
        case .connected: throw APIWriteError("no answer")
        }
    }
}

/// Why something could not be written.
struct APIWriteError: Error, Hashable, Sendable, CustomStringConvertible {
    let description: String
    /// The answer's status; nil: there was none.
    let code: Int?

    init(_ description: String, code: Int? = nil) {
        self.description = description
        self.code = code
    }
}
