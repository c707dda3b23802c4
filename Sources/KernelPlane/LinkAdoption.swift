/// What is to be done about one program's link. Pure.
enum LinkAdoption: Equatable, Sendable {
    /// Nothing is pinned: attach and pin.
    case attach
    /// Put the new program into the pinned link.
    case update
    /// The pinned link is of no use (another cgroup, a vanished one, another hook, no cgroup link): drop it and attach anew.
    case replace

    /// `pinned`: the cgroup id of the pinned link, 0 if its cgroup has gone or it is none of a cgroup's; nil: no pin.
    static func decide(pinned: UInt64?, wanted: UInt64) -> LinkAdoption {
        guard let pinned else { return .attach }
        return pinned == wanted ? .update : .replace
    }
}
