import Commands
import Testing

@Suite struct TableTests {
    private func table(_ rows: [[String]]) -> Table {
        var table = Table([.init("id", .right), .init("workload", shrinks: true), .init("state")])
        for row in rows { table.add(row) }
        return table
    }

    @Test func alignsColumnsAndLeavesNoBlanksAtTheEnd() {
        let text = table([["1", "/a", "idle"], ["100", "/a/bc", ""]]).rendered(width: nil)
        #expect(
            text == """
                 ID  WORKLOAD  STATE
                  1  /a        idle
                100  /a/bc     -

                """)
    }

    @Test func hasItsHeaderWithoutRows() {
        #expect(table([]).rendered(width: 5) == "ID  WORKLOAD  STATE\n")
    }

    @Test func takesShortAndLongRows() {
        #expect(
            table([["1"], ["2", "w", "s", "more"]]).rendered(width: nil)
                == "ID  WORKLOAD  STATE\n 1  -         -\n 2  w         s\n")
    }

    @Test func cutsTheShrinkingColumnInTheMiddleToFit() {
        let path = "/kubepods.slice/kubepods-pod12345.slice/cri-containerd-abcdef.scope"
        let lines = table([["1", path, "streaming"]]).rendered(width: 50).split(separator: "\n")
        #expect(lines.allSatisfy { $0.count <= 50 })
        #expect(lines[1].count == 50)
        #expect(lines[1].contains("/kubepods") && lines[1].contains("…") && lines[1].contains("cdef.scope"))
        #expect(table([["1", path, "streaming"]]).rendered(width: nil).contains(path))
    }

    @Test func neverCutsWhatMayNotShrinkNorBelowTheLeast() {
        let text = table([["1", "/a/long/workload/path/of/many/names", "streaming"]]).rendered(width: 10)
        #expect(text.contains("streaming") && text.contains("/a/lo…/names"))
    }

    @Test func showsControlCharactersInsteadOfSendingThem() {
        let text = table([["1", "evil\u{1B}[2Jname\n\u{202E}", "\u{9B}x\r"]]).rendered(width: nil)
        #expect(text.contains("evil\\u{1B}[2Jname\\u{A}\\u{202E}") && text.contains("\\u{9B}x\\u{D}"))
        #expect(text.split(separator: "\n").count == 2)
        #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || $0.properties.generalCategory != .control })
    }

    @Test func keepsLettersOfAllScripts() {
        #expect("模型-é-модель 🦙".printable == "模型-é-модель 🦙")
    }
}
