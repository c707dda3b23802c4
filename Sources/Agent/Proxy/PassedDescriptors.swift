private import Glibc
private import Synchronization

/// Descriptors that another process passed on; they close with this object.
final class PassedDescriptors: Sendable {
    private let held: Mutex<[Int32]>

    init(_ numbers: [Int32] = []) { held = Mutex(numbers) }

    deinit { for number in held.withLock({ $0 }) { close(number) } }

    var numbers: [Int32] { held.withLock { $0 } }

    /// Takes more over.
    func take(_ numbers: some Sequence<Int32>) { held.withLock { $0 += numbers } }
}
