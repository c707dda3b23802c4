import Catalog

/// `anonymous`: what becomes of callers that prove nothing.
enum AnonymousText {
    private static let deny = "deny"

    /// - Parameter isGoverned: there is a section `clients`.
    static func read(
        _ field: Field?, clients: NameList, isGoverned: Bool, _ reading: Reading
    ) -> Authentication.Anonymous {
        guard let field else { return isGoverned ? .deny : .open }
        guard isGoverned else {
            reading.fault(field, "needs clients: without them nobody is asked who they are")
            return .deny
        }
        let answer: Located<Authentication.Anonymous>? = reading.value(field) { text throws(Refusal) in
            if text == deny { return .deny }
            do throws(Refusal) {
                return .client(try clients.name(text))
            } catch {
                throw Refusal("is not deny, and \(error.reason)")
            }
        }
        // Not known is not open.
        return answer?.value ?? .deny
    }
}
