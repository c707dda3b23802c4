import Admission
import Catalog
import Glibc
import Reactor

/// The agent's part of the shared accounts.
final class TestAccounts {
    private final class Mapping: Sendable {}

    private let path = "/tmp/modelbroker-accounts-\(getpid())-\(UInt64.random(in: 0 ... .max))"
    private let file: Int32
    private let memory: UnsafeMutableRawPointer
    private static let size = AccountPage.size(count: 1000)
    let page: AccountPage

    /// - Parameter count: slots that the file has room for.
    init(count: Int) throws {
        file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0, ftruncate(file, AccountPage.size(count: count)) == 0 else { throw SystemError("open", errno) }
        let mapped = mmap(nil, Self.size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
        guard let mapped, mapped != MAP_FAILED else { throw SystemError("mmap", errno) }
        memory = mapped
        AccountPage.format(memory, count: count, boot: AccountPage.Boot(high: 1, low: 2))
        guard let page = AccountPage(memory: memory, size: AccountPage.size(count: count), owner: Mapping()) else {
            throw SystemError("mmap", EINVAL)
        }
        self.page = page
    }

    deinit {
        munmap(memory, Self.size)
        close(file)
        unlink(path)
    }

    /// For the proxy.
    var descriptor: Descriptor { Descriptor(owning: dup(file)) }

    /// Room for more, as an agent makes it; the slots of `names`, in that order.
    func grow(to count: Int, _ names: [String]) throws -> [UInt32] {
        guard ftruncate(file, AccountPage.size(count: count)) == 0 else { throw SystemError("ftruncate", errno) }
        page.announce(count: count)
        guard let grown = AccountPage(memory: memory, size: AccountPage.size(count: count), owner: Mapping()) else {
            throw SystemError("mmap", EINVAL)
        }
        return grown.assign(names) ?? []
    }
}
