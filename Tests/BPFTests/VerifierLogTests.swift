import BPF
import Testing

@Suite struct VerifierLogTests {
    private let refusal = """
        libbpf: prog 'mb_active': BPF program load failed: Permission denied
        libbpf: prog 'mb_active': -- BEGIN PROG LOAD LOG --
        0: R1=ctx() R10=fp0
        117: (61) r8 = *(u32 *)(r8 +0)
        dereference of modified ctx ptr R8 off=48 disallowed
        processed 39 insns (limit 1000000) max_states_per_insn 0 total_states 3
        -- END PROG LOAD LOG --
        libbpf: prog 'mb_active': failed to load: -13
        libbpf: failed to load object 'capture'

        """

    @Test func keepsWhatExplains() {
        let log = VerifierLog(text: refusal)
        #expect(log.lines.contains("dereference of modified ctx ptr R8 off=48 disallowed"))
        #expect(log.lines.last == "libbpf: prog 'mb_active': failed to load: -13")
        #expect(!log.lines.contains { $0.contains("PROG LOAD LOG") || $0.hasPrefix("processed") })
        #expect(log.omitted == 4)
    }

    @Test func countsWhatItLeavesOut() {
        let log = VerifierLog(text: (1...1000).map { "\($0): (bf) r6 = r1" }.joined(separator: "\n"), keeping: 3)
        #expect(log.lines == ["998: (bf) r6 = r1", "999: (bf) r6 = r1", "1000: (bf) r6 = r1"])
        #expect(log.omitted == 997)
    }

    @Test func emptyLogHasNoLines() {
        #expect(VerifierLog(text: "") == VerifierLog(text: "\n\n  \n"))
        #expect(VerifierLog(text: "").lines.isEmpty)
    }

    @Test func controlCharactersDoNotReachTheTerminal() {
        #expect(VerifierLog(text: "a\u{1b}[2Jb\u{7f}\r").lines == ["a[2Jb"])
    }
}
