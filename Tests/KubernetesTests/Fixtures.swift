import Kubernetes

/// An object for tests of what is done with objects.
struct Thing: KubernetesObject {
    struct Spec: Codable, Hashable, Sendable {
        var size: Int
    }

    var metadata: ObjectMeta
    var spec: Spec?

    static let query = ResourceQuery(group: "test.io", version: "v1", plural: "things", fieldSelector: "spec.nodeName=n 1")
}

func json(_ name: String, version: String = "7", size: String? = "1", uid: String? = nil) -> String {
    let spec = size.map { #","spec":{"size":\#($0)}"# } ?? ""
    return
        #"{"metadata":{"name":"\#(name)","namespace":"shop","uid":"\#(uid ?? "u-" + name)","resourceVersion":"\#(version)"}\#(spec)}"#
}

func event(_ type: String, _ object: String) -> String { #"{"type":"\#(type)","object":\#(object)}"# + "\n" }

func bookmark(_ version: String) -> String { event("BOOKMARK", #"{"metadata":{"resourceVersion":"\#(version)"}}"#) }

func page(_ items: [String], version: String = "5", next: String = "") -> String {
    #"{"kind":"ThingList","metadata":{"resourceVersion":"\#(version)","continue":"\#(next)"},"items":[\#(items.joined(separator: ","))]}"#
}

func status(_ code: Int, _ reason: String, retryAfter: Int? = nil) -> String {
    let details = retryAfter.map { #","details":{"retryAfterSeconds":\#($0)}"# } ?? ""
    return #"{"kind":"Status","status":"Failure","code":\#(code),"reason":"\#(reason)","message":"so it is"\#(details)}"#
}

/// A reflector with a clock of its own, and the requests that it makes.
final class Rig {
    var reflector: Reflector<Thing>
    var now: UInt64 = 1_000_000_000
    var targets: [String] = []

    init(_ change: (inout ReflectorSettings) -> Void = { _ in }, known: [Thing] = [], seed: UInt64 = 1) {
        var settings = ReflectorSettings(query: Thing.query)
        change(&settings)
        var store = ResourceStore<Thing>(maximumObjects: settings.maximumObjects)
        for thing in known { store.put(thing) }
        reflector = Reflector(settings, known: store, seed: seed)
    }

    var names: [String] { reflector.store.sorted.map(\.metadata.name) }

    func pass(_ seconds: Double) { now += UInt64(seconds * 1_000_000_000) }

    /// Waits for its next request. Returns the seconds that it took; nil: a request is under way.
    @discardableResult
    func ask() -> Double? {
        guard let wake = reflector.wake else { return nil }
        let start = now
        now = max(now, wake)
        guard let request = reflector.begin(now: now) else { return nil }
        targets.append(request.target)
        return Double(now - start) / 1_000_000_000
    }

    func answer(_ status: Int, _ body: String) {
        reflector.head(status: status, now: now)
        guard reflector.body(Array(body.utf8)[...], now: now) else { return }
        reflector.end(now: now)
    }

    /// Asks and answers.
    @discardableResult
    func exchange(_ status: Int, _ body: String) -> Double? {
        let waited = ask()
        answer(status, body)
        return waited
    }

    func fail(_ reason: String = "connection refused") -> Double? {
        let waited = ask()
        reflector.fail(reason, now: now)
        return waited
    }

    func expire() -> Bool { reflector.expire(now: now) }

    /// Brings the reflector to an open watch.
    func watch(_ items: [String] = [], version: String = "5") {
        exchange(200, page(items, version: version))
        ask()
        reflector.head(status: 200, now: now)
    }

    @discardableResult
    func tell(_ text: String) -> Bool { reflector.body(Array(text.utf8)[...], now: now) }
}
