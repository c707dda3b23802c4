internal import Kubernetes
internal import Logging

/// A resource that is followed, whatever its objects are. Belongs to one thread.
protocol Followed: AnyObject {
    /// `pods`.
    var name: String { get }
    var condition: ReflectorCondition { get }
    var objects: Int { get }
    var wake: UInt64? { get }
    var deadline: UInt64? { get }
    /// What is known is still to be kept for the next time.
    var isUnsaved: Bool { get }

    func begin(now: UInt64) -> ReflectorRequest?
    func head(status: Int, now: UInt64)
    func body(_ bytes: ArraySlice<UInt8>, now: UInt64) -> Bool
    func end(now: UInt64)
    func fail(_ reason: String, now: UInt64)
    /// True: the request is over.
    func expire(now: UInt64) -> Bool
    /// Tells of what has changed, and keeps it.
    func settle(now: UInt64)
}

/// What is known of a resource.
struct Known<Object: KubernetesObject>: Sendable {
    var store: ResourceStore<Object>
    var condition: ReflectorCondition
    /// Why objects that are there are not in the store as they are now.
    var unreadable: [ObjectKey: String]
}

/// A reflector with those who are told of its changes, and a file that keeps what was last known.
final class Following<Object: KubernetesObject>: Followed {
    /// Nanoseconds between two writings.
    private static var pause: UInt64 { 1_000_000_000 }
    private static var fileLimit: Int { 64 << 20 }

    let name: String
    private var reflector: Reflector<Object>
    private let file: String?
    private let changed: @Sendable (Known<Object>) -> Void
    private let logger: Logger
    /// What was last told, and kept; nil: nothing was.
    private var told: (revision: UInt64, condition: ReflectorCondition, unreadable: [ObjectKey: String])?
    private var saved: UInt64
    private var savedAt: UInt64?

    /// - Parameters:
    ///   - file: nil: nothing is kept.
    ///   - changed: called on the thread that follows, once with what was kept and then whenever something is new.
    init(
        _ name: String, _ settings: ReflectorSettings, file: String?, logger: Logger,
        changed: @escaping @Sendable (Known<Object>) -> Void
    ) {
        self.name = name
        self.file = file
        self.logger = logger
        self.changed = changed
        let known = file.flatMap { Self.read($0, settings.maximumObjects, name, logger) }
        reflector = Reflector(settings, known: known, seed: SystemRandomNumberGenerator.seed)
        saved = reflector.store.revision
    }

    var condition: ReflectorCondition { reflector.condition }
    var objects: Int { reflector.store.objects.count }
    var wake: UInt64? { reflector.wake }
    var deadline: UInt64? { reflector.deadline }
    var isUnsaved: Bool { file != nil && saved != reflector.store.revision }

    func begin(now: UInt64) -> ReflectorRequest? { reflector.begin(now: now) }
    func head(status: Int, now: UInt64) { reflector.head(status: status, now: now) }
    func body(_ bytes: ArraySlice<UInt8>, now: UInt64) -> Bool { reflector.body(bytes, now: now) }
    func end(now: UInt64) { reflector.end(now: now) }
    func fail(_ reason: String, now: UInt64) { reflector.fail(reason, now: now) }
    func expire(now: UInt64) -> Bool { reflector.expire(now: now) }

    func settle(now: UInt64) {
        let news = (reflector.store.revision, reflector.condition, reflector.unreadable)
        if told.map({ ($0.revision, $0.condition, $0.unreadable) == news }) != true {
            told = news
            changed(Known(store: reflector.store, condition: reflector.condition, unreadable: reflector.unreadable))
        }
        if isUnsaved, savedAt.map({ now >= $0 + Self.pause }) ?? true { save(now: now) }
    }

    private func save(now: UInt64) {
        guard let file else { return }
        savedAt = now
        saved = reflector.store.revision
        do {
            try File.replace(file, with: try reflector.store.snapshot(), mode: 0o600)
        } catch {
            logger.error("cannot keep what is known of the cluster", metadata: ["of": "\(name)", "reason": "\(error)"])
        }
    }

    /// What was kept; nil: nothing that can be used.
    private static func read(_ file: String, _ limit: Int, _ name: String, _ logger: Logger) -> ResourceStore<Object>? {
        guard File.exists(file) else { return nil }
        do {
            return try ResourceStore(maximumObjects: limit, snapshot: try File.read(file, limit: fileLimit))
        } catch {
            logger.warning("what was known of the cluster is lost", metadata: ["of": "\(name)", "reason": "\(error)"])
            return nil
        }
    }
}
