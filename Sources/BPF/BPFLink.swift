internal import CBPFShim
import Glibc

/// The attachment of a program to a cgroup: it lasts as long as a descriptor or a pin of it does.
package struct BPFLink: ~Copyable, Sendable {
    private let descriptor: Descriptor
    private let object: String

    /// Takes over a link's descriptor; `object` names it in errors.
    package init(_ descriptor: consuming Descriptor, object: String) {
        self.descriptor = descriptor
        self.object = object
    }

    /// Ids of all links of the system; EPERM without CAP_SYS_ADMIN.
    package static func allIDs() throws(BPFError) -> [UInt32] {
        var ids: [UInt32] = []
        var next: UInt32 = 0
        while true {
            let result = bpf_link_get_next_id(next, &next)
            let errno = Glibc::errno
            if result < 0, errno == ENOENT { return ids }
            if result < 0 { throw BPFError(operation: "list", object: "links", errno: errno) }
            ids.append(next)
        }
    }

    /// nil: it is gone.
    package static func withID(_ id: UInt32, object: String) throws(BPFError) -> BPFLink? {
        let raw = bpf_link_get_fd_by_id(id)
        let errno = Glibc::errno
        if raw >= 0 { return BPFLink(Descriptor(owning: raw), object: object) }
        if errno == ENOENT || errno == EAGAIN { return nil }
        throw BPFError(operation: "open link", object: "\(id)", errno: errno)
    }

    /// Attaches beside whatever else is attached there.
    package static func attach(
        _ program: borrowing BPFProgram, to cgroup: Int32, at point: AttachPoint, object: String
    ) throws(BPFError) -> BPFLink {
        let raw = bpf_link_create(program.rawDescriptor, cgroup, point.kernelType, nil)
        return BPFLink(Descriptor(owning: try BPFError.check(raw, "attach", object)), object: object)
    }

    /// Puts another program in the place of the present one, atomically. ENOLINK: the cgroup has gone.
    package func update(_ program: borrowing BPFProgram) throws(BPFError) {
        _ = try BPFError.check(bpf_link_update(descriptor.raw, program.rawDescriptor, nil), "update link", object)
    }

    /// Takes the program out of the cgroup at once, whoever else holds the link.
    package func detach() throws(BPFError) {
        _ = try BPFError.check(bpf_link_detach(descriptor.raw), "detach", object)
    }

    package func pin(_ path: String) throws(BPFError) { try Pin.make(descriptor.raw, at: path) }

    package func facts() throws(BPFError) -> LinkFacts {
        let info = try kernelInfo(of: descriptor.raw, bpf_link_info(), object)
        return LinkFacts(
            id: info.id, program: info.prog_id, isCgroupLink: info.type == BPF_LINK_TYPE_CGROUP.rawValue,
            isIterator: info.type == BPF_LINK_TYPE_ITER.rawValue,
            cgroup: info.cgroup.cgroup_id,
            point: info.type == BPF_LINK_TYPE_CGROUP.rawValue ? AttachPoint(kernelType: info.cgroup.attach_type) : nil)
    }
}

/// What the kernel tells about a link.
package struct LinkFacts: Hashable, Sendable {
    package var id: UInt32
    package var program: UInt32
    package var isCgroupLink: Bool
    package var isIterator: Bool
    /// 0: the cgroup has gone.
    package var cgroup: UInt64
    /// Where in the cgroup; nil: none of ours.
    package var point: AttachPoint?
}
