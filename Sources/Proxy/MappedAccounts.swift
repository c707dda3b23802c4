import Admission
import Glibc
import Reactor

/// The shared accounts' file in this process's memory. It grows as the agent makes room for more accounts; pages taken
/// earlier stay good, with the reach that they had.
final class MappedAccounts {
    private let file: Descriptor
    private var page: AccountPage?

    init(_ file: consuming Descriptor) { self.file = file }

    /// The page, as far as these slots if the file has them.
    ///
    /// - Throws: when the file can't be mapped; nil: it holds no accounts of this version.
    func page(reaching slots: [UInt32]) throws(SystemError) -> AccountPage? {
        let last = slots.max() ?? 0
        if let page, last == 0 || page.reaches(last) { return page }
        let mapping = try AccountMapping(file.number, size: try FileFacts(descriptor: file.number).size)
        page = AccountPage(memory: mapping.base, size: mapping.size, owner: mapping)
        return page
    }
}

/// One mapping, for as long as somebody has a page in it.
///
/// Sendable without the compiler's check because nothing of it changes, and what lies in the memory is for `AccountPage` to
/// share.
private final class AccountMapping: @unchecked Sendable {
    let base: UnsafeMutableRawPointer
    let size: Int

    init(_ file: Int32, size: Int) throws(SystemError) {
        let base = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
        let code = errno
        guard let base, base != MAP_FAILED else { throw SystemError("mmap", code) }
        self.base = base
        self.size = size
    }

    deinit { munmap(base, size) }
}
