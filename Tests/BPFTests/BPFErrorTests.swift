import BPF
import Glibc
import Testing

@Suite struct BPFErrorTests {
    @Test func namesOperationObjectAndErrno() {
        let error = BPFError(operation: "attach", object: "mb_connect4 to /x", errno: EPERM)
        #expect(error.description == "could not attach mb_connect4 to /x: Operation not permitted (errno 1)")
    }

    @Test func showsTheLog() {
        let error = BPFError(
            operation: "load object", object: "capture", errno: EACCES, log: VerifierLog(text: "a\nb\nc", keeping: 2))
        #expect(error.description.hasSuffix("(errno 13)\n  (1 lines omitted)\n  b\n  c"))
    }

    @Test func checkPassesResultsAndThrowsFailures() throws {
        #expect(try BPFError.check(7, "do", "it") == 7)
        errno = ENOLINK
        let error = #expect(throws: BPFError.self) { try BPFError.check(-1, "update link", "x") }
        #expect(error?.operation == "update link")
    }

    @Test func rubbishIsNoObject() {
        let rubbish = Array("not an ELF file".utf8)
        let error = rubbish.withUnsafeBytes { refusal(of: $0) }
        #expect(error?.object == "rubbish")
        #expect(error?.log.lines.isEmpty == false)
    }

    @Test func emptyBytesAreNoObject() {
        #expect(refusal(of: UnsafeRawBufferPointer(start: nil, count: 0))?.errno == EINVAL)
    }

    private func refusal(of bytes: UnsafeRawBufferPointer) -> BPFError? {
        do {
            _ = try BPFObject(name: "rubbish", bytes: bytes)
            return nil
        } catch {
            return error
        }
    }
}

@Suite struct EmbeddedObjectTests {
    @Test func hasItsProgramsAndMaps() throws {
        let object = try BPFObject.capture()
        #expect(
            object.programNames.sorted() == [
                "mb_active", "mb_carry", "mb_connect4", "mb_connect6", "mb_getpeername4", "mb_getpeername6", "mb_getsockopt",
                "mb_meter_egress", "mb_meter_ingress", "mb_passive", "mb_reapply", "mb_setsockopt", "mb_sock_release",
            ])
        #expect(
            Set(object.mapNames).isSuperset(of: [
                "settings", "rules4", "rules6", "rule_counters", "workloads", "origins", "flow_origins", "listeners",
                "counters", "events", "models", "buckets", "model_state", "refusals", "access", "sockets",
                "endpoint_sets", "endpoint_state", "meters", "meter_flows",
            ]))
    }

    @Test func tellsShapes() throws {
        let object = try BPFObject.capture()
        let shape = try object.shape(ofMap: "rules4")
        #expect(shape.typeName == "lpm_trie")
        #expect(shape.keySize == 12)
        #expect(throws: BPFError.self) { _ = try object.shape(ofMap: "nonsense") }
    }
}
