import Commands
import Testing

@Suite struct LineAssemblerTests {
    @Test func cutsLinesHoweverTheyArrive() throws {
        let text = Array("one\n\ntwo\nrest".utf8)
        for cut in 0...text.count {
            var lines = LineAssembler(limit: 16)
            var seen: [String] = []
            for piece in [text[..<cut], text[cut...]] {
                lines.append(piece)
                while let line = try lines.next() { seen.append(String(decoding: line, as: UTF8.self)) }
            }
            #expect(seen == ["one", "", "two"])
            #expect(!lines.isEmpty)
        }
    }

    @Test func holdsLinesToTheirLimit() throws {
        var exact = LineAssembler(limit: 4)
        exact.append("abc\n".utf8)
        #expect(try exact.next()?.count == 3)
        #expect(exact.isEmpty)
        var whole = LineAssembler(limit: 4)
        whole.append("abcd\n".utf8)
        #expect(throws: ClientError.lineTooLong(limit: 4)) { try whole.next() }
        var open = LineAssembler(limit: 4)
        open.append("abcd".utf8)
        #expect(throws: ClientError.lineTooLong(limit: 4)) { try open.next() }
    }
}
