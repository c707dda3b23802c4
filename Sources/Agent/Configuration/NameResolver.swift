internal import Catalog
private import Glibc
private import Synchronization

/// Asks the system's name service, on threads of its own since its calls block and cannot be called off.
final class NameResolver: Sendable {
    /// Look-ups under way at a time for one request.
    private static let width = 4
    /// Threads that may hang in a look-up before no more are started.
    private static let maximumThreads = 32

    private let lookup: @Sendable (String) -> ResolvedNames.Answer
    private let replies = ReplyTable<UInt64, ResolvedNames.Answer>()
    private let nextID = Atomic<UInt64>(0)
    private let threads = Atomic<Int>(0)

    init(lookup: @escaping @Sendable (String) -> ResolvedNames.Answer = NameResolver.system) { self.lookup = lookup }

    /// Looks all names up in `limit` altogether; a name that is not answered by then is `unknown`.
    func resolve(_ names: [String], limit: Duration) async -> [String: ResolvedNames.Answer] {
        let deadline = ContinuousClock.now + limit
        return await withTaskGroup(of: (String, ResolvedNames.Answer).self) { group in
            var waiting = names[...]
            var answers: [String: ResolvedNames.Answer] = [:]
            for name in waiting.prefix(Self.width) { group.addTask { (name, await self.answer(name, by: deadline)) } }
            waiting = waiting.dropFirst(Self.width)
            while let (name, answer) = await group.next() {
                answers[name] = answer
                if let next = waiting.popFirst() { group.addTask { (next, await self.answer(next, by: deadline)) } }
            }
            return answers
        }
    }

    private func answer(_ name: String, by deadline: ContinuousClock.Instant) async -> ResolvedNames.Answer {
        let rest = deadline - .now
        guard rest > .zero else { return .unknown("no answer in time") }
        guard threads.load(ordering: .relaxed) < Self.maximumThreads else {
            return .unknown("too many look-ups hang; is the name server reachable?")
        }
        let id = nextID.wrappingAdd(1, ordering: .relaxed).oldValue
        return await replies.wait(for: id, atMost: rest) { self.start(id, name) } ?? .unknown("no answer in time")
    }

    private func start(_ id: UInt64, _ name: String) {
        threads.wrappingAdd(1, ordering: .relaxed)
        do {
            try BackgroundThread.start("name look-up") { [self] in
                replies.answer(id, lookup(name))
                threads.wrappingSubtract(1, ordering: .relaxed)
            }
        } catch {
            threads.wrappingSubtract(1, ordering: .relaxed)
            replies.answer(id, .unknown("\(error)"))
        }
    }

    /// As `addresses`, with what the name server says of how long that holds: getaddrinfo(3) does not tell.
    static func system(_ name: String) -> ResolvedNames.Answer {
        let answer = addresses(name)
        guard case .addresses(let found, _) = answer, let first = found.first else { return answer }
        return .addresses(found, seconds: NameLifetime.ask(name, family: first.family))
    }

    /// getaddrinfo(3), blocking.
    static func addresses(_ name: String) -> ResolvedNames.Answer {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let result = getaddrinfo(name, nil, &hints, &list)
        guard result == 0 else {
            let reason = gai_strerror(result).map { String(cString: $0) } ?? "error \(result)"
            // EAI_NONAME, and EAI_NODATA, which Glibc has but does not declare here.
            return result == EAI_NONAME || result == -5 ? .none(reason) : .unknown(reason)
        }
        defer { freeaddrinfo(list) }
        var found: [IPAddress] = []
        var next = list
        while let entry = next {
            if let address = entry.pointee.ai_addr, let ip = SocketAddress(address)?.ip, !found.contains(ip) { found.append(ip) }
            next = entry.pointee.ai_next
        }
        return found.isEmpty ? .none("no address") : .addresses(found)
    }
}
