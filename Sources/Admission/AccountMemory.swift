internal import Glibc

/// A page of accounts in memory of this process: for tests and measurements, where there is no agent to make the file.
package final class AccountMemory: Sendable {
    private let memory: ZeroedMemory
    private let count: Int

    /// - Parameter count: slots.
    package init(count: Int) {
        memory = ZeroedMemory(size: AccountPage.size(count: count))
        self.count = count
        AccountPage.format(memory.start, count: count, boot: AccountPage.Boot(high: 1, low: 2))
    }

    /// nil: its bytes have been spoilt.
    package var page: AccountPage? { page(size: AccountPage.size(count: count)) }

    /// As if only these bytes of it were there.
    package func page(size: Int) -> AccountPage? { AccountPage(memory: memory.start, size: size, owner: memory) }

    /// The bytes as they are, to be spoilt.
    package func withBytes(_ body: (UnsafeMutableRawBufferPointer) -> Void) {
        body(UnsafeMutableRawBufferPointer(start: memory.start, count: AccountPage.size(count: count)))
    }
}

/// Memory from the kernel: zeroed, on the boundary of a page, and not resident before it is touched.
///
/// Sendable without the compiler's check because neither pointer nor size ever changes; whoever uses what lies there says
/// why that is safe.
final class ZeroedMemory: @unchecked Sendable {
    let start: UnsafeMutableRawPointer
    private let size: Int

    init(size: Int) {
        let mapped = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard let mapped, mapped != MAP_FAILED else { preconditionFailure("no memory for \(size) bytes") }
        start = mapped
        self.size = size
    }

    deinit { munmap(start, size) }
}
