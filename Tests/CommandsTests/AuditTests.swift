import Commands
import Control
import Glibc
import Testing

@Suite struct AuditTests {
    private func record(_ version: UInt64 = 1) -> AuditRecord {
        AuditRecord(
            time: "T", action: .qosSet, uid: 0, loginUid: nil, pid: 7, model: "llama", version: version,
            changes: ["requests": .init(before: "100/s", after: "300/s")])
    }

    private func withDirectory(_ body: (String) throws -> Void) throws {
        let directory = try Scratch.directory()
        defer {
            for name in ["audit.jsonl", "audit.jsonl.1", "target"] { _ = unlink("\(directory)/\(name)") }
            _ = rmdir("\(directory)/audit.jsonl")
            _ = rmdir("\(directory)/run")
            Scratch.remove(directory)
        }
        try body(directory)
    }

    private func lines(_ path: String) throws -> [AuditRecord] {
        guard let file = fopen(path, "re") else { throw Scratch.Failure(what: "open \(path): \(errno)") }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&bytes, 1, bytes.count, file)
        return try bytes[..<count].split(separator: UInt8(ascii: "\n")).map { try ControlLine.decode(AuditRecord.self, from: $0) }
    }

    private func mode(_ path: String) -> mode_t? {
        var facts = stat()
        return stat(path, &facts) == 0 ? facts.st_mode & 0o777 : nil
    }

    @Test func appendsALineForEachChangeReadableByItsOwnerAlone() throws {
        let old = umask(0)
        defer { umask(old) }
        try withDirectory { directory in
            let file = try AuditFile(runDirectory: directory)
            try file.append(record(1))
            try file.append(record(2))
            let again = try AuditFile(runDirectory: directory)
            try again.append(record(3))
            let path = "\(directory)/audit.jsonl"
            #expect(try lines(path).map(\.version) == [1, 2, 3])
            #expect(try lines(path).first == record(1))
            #expect(mode(path) == 0o600)
        }
    }

    @Test func writesTheWholeStory() throws {
        #expect(
            String(decoding: try ControlLine.encode(record()), as: UTF8.self) == """
                {"action":"qos-set","changes":{"requests":{"after":"300/s","before":"100/s"}},"model":"llama","pid":7,"time":"T",\
                "uid":0,"version":1}

                """)
    }

    @Test func takesAwayWhatOthersCouldRead() throws {
        try withDirectory { directory in
            try Scratch.write("", to: "\(directory)/audit.jsonl")
            chmod("\(directory)/audit.jsonl", 0o644)
            _ = try AuditFile(runDirectory: directory)
            #expect(mode("\(directory)/audit.jsonl") == 0o600)
        }
    }

    @Test func keepsWhatIsTooMuchUnderAnotherName() throws {
        try withDirectory { directory in
            let size = try ControlLine.encode(record()).count
            for version in 1...7 as ClosedRange<UInt64> {
                let file = try AuditFile(runDirectory: directory, limit: 3 * size)
                try file.append(record(version))
            }
            #expect(try lines("\(directory)/audit.jsonl").map(\.version) == [7])
            #expect(try lines("\(directory)/audit.jsonl.1").map(\.version) == [4, 5, 6])
            #expect(mode("\(directory)/audit.jsonl") == 0o600 && mode("\(directory)/audit.jsonl.1") == 0o600)
        }
    }

    @Test func followsARotationBySomebodyElse() throws {
        try withDirectory { directory in
            let path = "\(directory)/audit.jsonl"
            let file = try AuditFile(runDirectory: directory)
            try file.append(record(1))
            #expect(rename(path, path + ".1") == 0)
            try file.append(record(2))
            #expect(try lines(path).map(\.version) == [2])
            #expect(try lines(path + ".1").map(\.version) == [1])
        }
    }

    @Test func makesTheRunDirectory() throws {
        try withDirectory { directory in
            let run = "\(directory)/run"
            let file = try AuditFile(runDirectory: run)
            try file.append(record())
            #expect(mode(run) == 0o755)
            _ = unlink("\(run)/audit.jsonl")
        }
    }

    @Test func isNotLedElsewhere() throws {
        try withDirectory { directory in
            try Scratch.write("precious", to: "\(directory)/target")
            #expect(symlink("\(directory)/target", "\(directory)/audit.jsonl") == 0)
            #expect(throws: AuditError.self) { _ = try AuditFile(runDirectory: directory) }
        }
        try withDirectory { directory in
            mkdir("\(directory)/audit.jsonl", 0o700)
            #expect(throws: AuditError.self) { _ = try AuditFile(runDirectory: directory) }
        }
        #expect(throws: AuditError.self) { _ = try AuditFile(runDirectory: "/proc/nowhere") }
    }
}
