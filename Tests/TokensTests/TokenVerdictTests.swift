import Testing
import Tokens

@Suite struct TokenVerdictTests {
    @Test func faultsDiffer() {
        #expect(TokenVerdict.refused(.expired) != .refused(.early))
    }
}
