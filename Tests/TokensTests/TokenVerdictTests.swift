import Catalog
import Identity
import Testing
import Tokens

@Suite struct TokenVerdictTests {
    @Test func namesBecomeNumbers() {
        let directory = ClientDirectory(
            Catalog(clients: [Client(name: "a"), Client(name: "b")], authentication: Authentication(anonymous: .deny)))
        #expect(TokenVerdict.client("b", expires: 7).finding(in: directory) == .client(1, until: 7))
        #expect(TokenVerdict.client("gone", expires: 7).finding(in: directory) == .refused(.unknownClient))
        #expect(TokenVerdict.refused(.early).finding(in: directory) == .refused(.early))
    }
}
