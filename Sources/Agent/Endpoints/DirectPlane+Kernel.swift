internal import KernelPlane

extension DirectPlane {
    /// The node's kernel plane.
    init(_ plane: KernelPlane) {
        self.init(
            apply: { (sets) throws(KernelPlaneError) in
                try plane.apply(endpointSets: sets.mapValues { $0.map(DirectEndpoint.init) })
            },
            setUsable: { (usable, address, model) throws(KernelPlaneError) in
                try plane.setUsable(usable, address, model: model)
            })
    }
}

extension DirectEndpoint {
    fileprivate init(_ member: DirectPlane.Member) {
        self.init(address: member.address, weight: member.weight, usable: member.usable)
    }
}
