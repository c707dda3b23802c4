import Admission
import Glibc
import Reactor

/// The kernel plane's maps `models` and `buckets` in this process's memory. The mapping holds the maps, so they stay
/// whatever becomes of the agent; it goes when nobody has its page any more.
final class MappedMaps: Sendable {
    /// Sendable because these addresses never change; what is behind them is accessed as `QoSPage` says.
    private struct Addresses: @unchecked Sendable {
        let models: UnsafeMutableRawPointer
        let buckets: UnsafeMutableRawPointer
    }

    private let addresses: Addresses

    /// The descriptors stay the caller's, and are not needed afterwards.
    init(models: Int32, buckets: Int32) throws(SystemError) {
        let readable = try Self.map(models, QoSPage.modelsSize, PROT_READ)
        do throws(SystemError) {
            addresses = Addresses(models: readable, buckets: try Self.map(buckets, QoSPage.bucketsSize, PROT_READ | PROT_WRITE))
        } catch {
            munmap(readable, Self.whole(QoSPage.modelsSize))
            throw error
        }
    }

    deinit {
        munmap(addresses.models, Self.whole(QoSPage.modelsSize))
        munmap(addresses.buckets, Self.whole(QoSPage.bucketsSize))
    }

    var page: QoSPage { QoSPage(models: UnsafeRawPointer(addresses.models), buckets: addresses.buckets, owner: self) }

    private static func map(_ descriptor: Int32, _ size: Int, _ protection: Int32) throws(SystemError) -> UnsafeMutableRawPointer
    {
        let address = mmap(nil, whole(size), protection, MAP_SHARED, descriptor, 0)
        let code = errno
        guard let address, address != MAP_FAILED else { throw SystemError("mmap", code) }
        return address
    }

    /// Rounded up to pages, as the kernel sizes such maps.
    private static func whole(_ size: Int) -> Int {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        return (size + page - 1) / page * page
    }
}
