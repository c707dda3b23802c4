internal import CBPFShim
import Glibc

/// A netlink connection for one device's qdiscs, with errors that name what was asked.
struct TrafficControl: ~Copyable {
    let device: String
    private let index: Int32
    private var socket: mb_tc_socket

    /// - Throws: there is no such device.
    init(device: String) throws(KernelPlaneError) {
        let index = if_nametoindex(device)
        guard index != 0, let index = Int32(exactly: index) else { throw Self.missing(device) }
        var socket = mb_tc_socket()
        let result = mb_tc_open(&socket)
        guard result == 0 else { throw KernelPlaneError(operation: "open", object: "rtnetlink", errno: -result) }
        self.device = device
        self.index = index
        self.socket = socket
    }

    deinit { closeSocket() }

    private func closeSocket() {
        var socket = socket
        mb_tc_close(&socket)
    }

    static func missing(_ device: String) -> KernelPlaneError {
        KernelPlaneError(
            operation: "find", object: "the network device \(device)", errno: ENODEV,
            hint: "`ip link` lists the devices of this network namespace")
    }

    // MARK: Reading

    func qdiscs() throws(KernelPlaneError) -> [QdiscDescription] {
        try dump(MB_TC_QDISCS, 0, "the qdiscs").map { QdiscDescription($0) }
    }

    /// The classes of the qdisc with this handle.
    func classes(of handle: UInt32) throws(KernelPlaneError) -> [ClassDescription] {
        try dump(MB_TC_CLASSES, handle, "the classes").map { ClassDescription($0) }
    }

    func hasFilters(_ handle: UInt32) throws(KernelPlaneError) -> Bool {
        try !dump(MB_TC_FILTERS, handle, "the filters").isEmpty
    }

    private func dump(_ what: mb_tc_what, _ parent: UInt32, _ words: String) throws(KernelPlaneError) -> [mb_tc] {
        var list = mb_tc_list()
        defer { mb_tc_free(&list) }
        let result = mb_tc_dump(what, index, parent, &list)
        guard result == 0 else { throw error("read", words + " of", result, hint: Self.readHint(-result)) }
        return Array(UnsafeBufferPointer(start: list.entries, count: list.count))
    }

    private static func readHint(_ code: Int32) -> String {
        switch code {
        case EBADMSG, EPROTO: "the kernel's answer makes no sense"
        case EINTR: "they changed each time they were read"
        case EOVERFLOW: "there are too many"
        case ETIMEDOUT: "the kernel did not answer"
        default: ""
        }
    }

    // MARK: Changing

    mutating func replaceRoot(_ former: FormerQdisc) throws(KernelPlaneError) {
        let result = former.options.withUnsafeBytes { options in
            mb_qdisc_replace(&socket, index, MB_TC_ROOT, former.handle, former.kind, options.baseAddress, options.count)
        }
        try check(result, "put back", "the qdisc \(former) on")
    }

    mutating func replaceRootWithHTB(rateToQuantum: UInt32) throws(KernelPlaneError) {
        let result = mb_htb_replace(&socket, index, QdiscTree.handle, QdiscClass.others, rateToQuantum)
        try check(
            result, "put", "an HTB qdisc on",
            hint: result == -ENOENT ? "this kernel has no HTB (CONFIG_NET_SCH_HTB); leave node.qdisc out" : nil)
    }

    /// True if there was one.
    @discardableResult
    mutating func deleteRoot(_ handle: UInt32) throws(KernelPlaneError) -> Bool {
        let result = mb_qdisc_delete(&socket, index, MB_TC_ROOT, handle)
        if result == -ENOENT { return false }
        try check(result, "delete", "the qdisc \(FormerQdisc.text(handle)) of")
        return true
    }

    mutating func replace(_ form: QdiscClass) throws(KernelPlaneError) {
        var parameters = mb_htb_class(
            rate: form.rate, ceil: form.ceil, buffer: form.buffer, cbuffer: form.ceilBuffer, quantum: form.quantum,
            prio: form.priority)
        let isDevice = form.minor == QdiscClass.device
        let result = mb_htb_class_replace(
            &socket, index, isDevice ? QdiscTree.handle : QdiscTree.handle | QdiscClass.device, QdiscTree.handle | form.minor,
            &parameters)
        try check(result, "set up", "the class \(FormerQdisc.text(QdiscTree.handle | form.minor)) on")
    }

    mutating func deleteClass(_ minor: UInt32) throws(KernelPlaneError) {
        let result = mb_class_delete(&socket, index, QdiscTree.handle | minor)
        if result == -ENOENT { return }
        try check(result, "delete", "the class \(FormerQdisc.text(QdiscTree.handle | minor)) of")
    }

    /// False: the kernel has no such qdisc.
    mutating func replaceLeaf(of minor: UInt32, _ kind: LeafKind, limit: UInt32) throws(KernelPlaneError) -> Bool {
        var limit = limit
        let handle = QdiscTree.leafHandle(minor)
        let parent = QdiscTree.handle | minor
        // The fair ones look after their length themselves.
        let result =
            kind == .pfifo
            ? mb_qdisc_replace(&socket, index, parent, handle, kind.rawValue, &limit, MemoryLayout.size(ofValue: limit))
            : mb_qdisc_replace(&socket, index, parent, handle, kind.rawValue, nil, 0)
        if result == -ENOENT, kind != .pfifo { return false }
        try check(result, "put", "a \(kind) qdisc into the class \(FormerQdisc.text(parent)) on")
        return true
    }

    private func check(_ result: Int32, _ operation: String, _ words: String, hint: String? = nil) throws(KernelPlaneError) {
        guard result < 0 else { return }
        throw error(operation, words, result, hint: hint ?? message)
    }

    private func error(_ operation: String, _ words: String, _ result: Int32, hint: String) -> KernelPlaneError {
        KernelPlaneError(operation: operation, object: "\(words) \(device)", errno: -result, hint: hint)
    }

    /// What the kernel said to the last refusal, beside its number.
    private var message: String {
        withUnsafeBytes(of: socket.message) { bytes in
            let words = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            return words.isEmpty ? "" : "the kernel says: \(words)"
        }
    }
}

/// What queues inside a class, the fairest that the kernel has. A plain queue lets one flow starve the others of its
/// class; it is there in every kernel.
enum LeafKind: String, CaseIterable {
    case fqCodel = "fq_codel"
    case sfq
    case pfifo
}
