private import Synchronization

/// Lets a part refer to one that has to be made after it, and does not keep it.
final class WeakRelay<Target: AnyObject & Sendable>: Sendable {
    private struct Held: Sendable {
        weak var target: Target?
    }

    private let held = Mutex(Held())

    var target: Target? {
        get { held.withLock { $0.target } }
        set { held.withLock { $0.target = newValue } }
    }
}
