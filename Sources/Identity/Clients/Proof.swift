/// What said who a caller is, the most trusted first.
package enum Proof: UInt8, Hashable, Sendable, CaseIterable {
    case none = 0
    case workload = 1
    case key = 2
    case token = 3
    case certificate = 4
    case anonymous = 5

    package var text: String {
        switch self {
        case .none: "none"
        case .workload: "workload"
        case .key: "key"
        case .token: "token"
        case .certificate: "certificate"
        case .anonymous: "anonymous"
        }
    }
}
