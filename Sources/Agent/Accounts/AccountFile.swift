internal import Admission
private import CLinux
private import Glibc
private import Synchronization

/// `<run-dir>/accounts`: the page of accounts as a file that the agent makes, and that it and the proxies map. It outlives
/// each of them; who has which slot stands in it.
final class AccountFile: Sendable {
    /// Slots of a new file; it grows by doubling.
    private static let fewest = 1024

    /// Of the file, to pass to the proxy; stays open as long as this object.
    let descriptor: Int32
    private let path: String
    private let mapping: Mapping
    private let state: Mutex<AccountPage>

    /// The whole reach of the largest page that there may be; what lies beyond the end of the file is not touched.
    ///
    /// Sendable without the compiler's check because neither pointer nor size ever changes; `AccountPage` says why what lies
    /// there can be used by many.
    private final class Mapping: @unchecked Sendable {
        let start: UnsafeMutableRawPointer

        init(_ descriptor: Int32) throws(SystemError) {
            let size = AccountPage.size(count: AccountPage.limit)
            let mapped = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, descriptor, 0)
            guard let mapped, mapped != MAP_FAILED else { throw SystemError("map", "the page of accounts") }
            start = mapped
        }

        deinit { munmap(start, AccountPage.size(count: AccountPage.limit)) }
    }

    /// Takes the file that an agent before this one has left, or makes one.
    ///
    /// - Parameter boot: of the machine.
    /// - Returns: also what was wrong with the file that was there; nil: nothing.
    /// - Throws: when none can be had: without it no limit would hold.
    static func open(_ path: String, boot: AccountPage.Boot) throws(AgentError) -> (file: AccountFile, fault: String?) {
        do {
            let fault: String
            do throws(AgentError) {
                guard let file = try take(path) else { return (try make(path, boot: boot), nil) }
                file.page.adopt(boot) { name in !AccountNames.isQuota(name) }
                let freed = file.page.repair()
                return (file, freed == 0 ? nil : "\(path): \(freed) accounts were damaged, and begin anew")
            } catch {
                fault = error.description
            }
            return (try make(path, boot: boot), "\(fault); what stood only there is lost")
        }
    }

    private init(_ descriptor: Int32, _ path: String, _ mapping: Mapping, _ page: AccountPage) {
        self.descriptor = descriptor
        self.path = path
        self.mapping = mapping
        state = Mutex(page)
    }

    deinit { close(descriptor) }

    /// As it is now: it may grow.
    var page: AccountPage { state.withLock { $0 } }

    /// The slot of each name, in their order; each keeps the one that it has. The file grows where it has to.
    ///
    /// - Throws: when there are not enough and it can't grow; then nothing has changed.
    func assign(_ names: [String]) throws(AgentError) -> [UInt32] {
        try state.withLock { (page) throws(AgentError) in
            if let slots = page.assign(names) { return slots }
            let wanted = Set(page.owned.map(\.name)).union(names.map { AccountPage.stored($0) }).count
            guard wanted <= AccountPage.limit else {
                throw AgentError("\(wanted) limits are more than the \(AccountPage.limit) that there may be")
            }
            var count = max(page.count, Self.fewest)
            while count < wanted { count *= 2 }
            do throws(SystemError) { try grow(&page, to: min(count, AccountPage.limit)) } catch { throw AgentError(error) }
            guard let slots = page.assign(names) else { throw AgentError("no accounts are left for \(names.count) limits") }
            return slots
        }
    }

    /// Frees the slots of all others.
    func keep(only names: [String]) {
        state.withLock { page in
            let wanted = Set(names.map { AccountPage.stored($0) })
            for (slot, name) in page.owned where !wanted.contains(name) { page.free(slot) }
        }
    }

    private func grow(_ page: inout AccountPage, to count: Int) throws(SystemError) {
        try Self.reserve(descriptor, AccountPage.size(count: count), path)
        page.announce(count: count)
        guard let grown = AccountPage(memory: mapping.start, size: AccountPage.size(count: count), owner: mapping) else {
            throw SystemError("enlarge", path, code: EIO)
        }
        page = grown
    }

    /// nil: there is none.
    private static func take(_ path: String) throws(AgentError) -> AccountFile? {
        let descriptor = Glibc.open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw AgentError(SystemError("open", path))
        }
        var facts = clinux_file()
        guard clinux_look_at_open_file(descriptor, &facts) == 0, facts.mode & S_IFMT == S_IFREG, facts.uid == geteuid(),
            facts.mode & 0o077 == 0, facts.size >= AccountPage.size(count: 0)
        else {
            close(descriptor)
            throw AgentError("\(path) is no page of accounts")
        }
        let size = Int(facts.size)
        do throws(SystemError) {
            // Holes in it would be filled when there may be no room: a fault that kills.
            try reserve(descriptor, size, path)
            let mapping = try Mapping(descriptor)
            guard let page = AccountPage(memory: mapping.start, size: size, owner: mapping), page.announced == page.count else {
                throw SystemError("read the accounts in", path, code: EINVAL)
            }
            return AccountFile(descriptor, path, mapping, page)
        } catch {
            close(descriptor)
            throw AgentError(error)
        }
    }

    private static func make(_ path: String, boot: AccountPage.Boot) throws(AgentError) -> AccountFile {
        unlink(path)
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw AgentError(SystemError("make", path)) }
        do throws(SystemError) {
            let size = AccountPage.size(count: fewest)
            try reserve(descriptor, size, path)
            let mapping = try Mapping(descriptor)
            AccountPage.format(mapping.start, count: fewest, boot: boot)
            guard let page = AccountPage(memory: mapping.start, size: size, owner: mapping) else {
                throw SystemError("make", path, code: EIO)
            }
            return AccountFile(descriptor, path, mapping, page)
        } catch {
            close(descriptor)
            unlink(path)
            throw AgentError(error)
        }
    }

    private static func reserve(_ descriptor: Int32, _ size: Int, _ path: String) throws(SystemError) {
        let result = posix_fallocate(descriptor, 0, off_t(size))
        guard result == 0 else { throw SystemError("reserve \(size) bytes for", path, code: result) }
    }
}

/// What the names of accounts say.
enum AccountNames {
    /// Whether an account is a quota's: its name begins with the period.
    static func isQuota(_ name: String) -> Bool { name.hasPrefix("day.") || name.hasPrefix("month.") }

    /// What is told of an account is kept under its name and this.
    static let alertSuffix = " alert"

    /// The account that a record of the journal is about.
    static func account(_ name: String) -> String {
        name.hasSuffix(alertSuffix) ? String(name.dropLast(alertSuffix.count)) : name
    }

    static func isMonthly(_ name: String) -> Bool { name.hasPrefix("month.") }
}

extension AccountPage.Boot {
    /// This machine's, since it was started last.
    static var current: AccountPage.Boot {
        let text = (try? File.text("/proc/sys/kernel/random/boot_id")) ?? ""
        let digits = text.filter(\.isHexDigit)
        return AccountPage.Boot(
            high: UInt64(digits.prefix(16), radix: 16) ?? 0, low: UInt64(digits.dropFirst(16).prefix(16), radix: 16) ?? 0)
    }
}
