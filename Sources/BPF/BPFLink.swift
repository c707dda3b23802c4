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
            cgroup: info.cgroup.cgroup_id)
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
}
