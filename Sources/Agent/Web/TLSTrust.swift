internal import Catalog
internal import TLS

/// Whom the agent's own https connections trust: read when it is first needed, and again when a file has changed. Belongs
/// to one thread.
struct TLSTrust {
    private var authorities: [String: (state: FileState, authorities: TLSAuthorities)] = [:]
    private var contexts: [EndpointTLS: (state: FileState, context: TLSContext)] = [:]

    /// - Throws: when the authorities can't be read.
    mutating func context(for tls: EndpointTLS) throws(TLSError) -> TLSContext {
        let state = FileState(tls.caFile ?? TLSAuthorities.systemDirectory)
        if let known = contexts[tls], known.state == state { return known.context }
        let context = try TLSContext(serverName: tls.serverName, authorities: try trusted(tls.caFile, state))
        contexts[tls] = (state, context)
        return context
    }

    private mutating func trusted(_ file: String?, _ state: FileState) throws(TLSError) -> TLSAuthorities {
        if let known = authorities[file ?? ""], known.state == state { return known.authorities }
        let read = try TLSAuthorities(file: file)
        authorities[file ?? ""] = (state, read)
        return read
    }
}
