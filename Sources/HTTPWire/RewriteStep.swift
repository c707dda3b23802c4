/// What became of some bytes of a body: first come those that go on as they are, then what was appended to the output, in
/// the place of those that are left out. Each may be nothing.
package struct RewriteStep: Hashable, Sendable {
    package var passed: Int
    package var replaced: Int

    package init(passed: Int, replaced: Int) {
        self.passed = passed
        self.replaced = replaced
    }

    /// How far the step went.
    package var count: Int { passed + replaced }
}
