/// Why a text is no workload pattern. The description continues a sentence that begins with the text.
package enum WorkloadPatternError: Error, Hashable, Sendable, CustomStringConvertible {
    case empty
    case tooLong
    case notAbsolute
    case emptyComponent
    /// `.` or `..`
    case dotComponent
    /// `**` beside other characters in one component.
    case doubleStarNotAlone
    case controlCharacter

    package var description: String {
        switch self {
        case .empty: "is empty; write a cgroup path, as /kubepods.slice/**/checkout*"
        case .tooLong: "is longer than \(WorkloadPattern.maximumLength) bytes"
        case .notAbsolute: "does not begin with /; write a path below the cgroup v2 mount, as /kubepods.slice/**/checkout*"
        case .emptyComponent: "has an empty component: two slashes in a row, or one at the end"
        case .dotComponent: "has a . or .. component"
        case .doubleStarNotAlone: "has ** beside other characters; ** stands alone between slashes, * matches within a component"
        case .controlCharacter: "has a control character"
        }
    }
}
