import Catalog
import Configuration
import Glibc
import Testing

/// `${env:…}` and `${file:…}`: what they stand for, and that nobody gets to read it.
@Suite struct ReferenceTests {
    /// Runs `body` with a directory of its own, which goes away afterwards.
    private func withDirectory(_ body: (String) throws -> Void) throws {
        var template = Array("/tmp/modelbroker-configuration-XXXXXX".utf8CString)
        let directory = try #require(mkdtemp(&template).map { String(cString: $0) })
        defer {
            for name in ["value", "large", "binary", "pipe", "config"] { unlink("\(directory)/\(name)") }
            rmdir(directory)
        }
        try body(directory)
    }

    private func write(_ bytes: [UInt8], to path: String) throws {
        let file = try #require(fopen(path, "w"))
        defer { fclose(file) }
        #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
    }

    @Test func valuesOfTheEnvironment() throws {
        let environment = ["PORT": "8000", "HOST": "10.1.2.3", "BOTH": "127.0.0.1:99", "EMPTY": ""]
        let parsed = try catalog(
            """
            node: {admin: "${env:BOTH}", workers: "1${env:EMPTY}"}
            capture: [{name: a, to: "${env:HOST}:${env:PORT}"}]
            models: {m: {endpoints: ["http://${env:HOST}:${env:PORT}/x"]}}
            """, environment: environment)
        #expect(parsed.node.admin.description == "127.0.0.1:99")
        #expect(parsed.node.workers == 1)
        #expect(parsed.rules.first?.to == [try destination("10.1.2.3", 32, 8000)])
        #expect(parsed.models.first?.endpoints.first?.url == "http://10.1.2.3:8000/x")
    }

    /// `PATH` is there in every process, and no name of a user.
    @Test func theProcessEnvironmentIsTheDefault() throws {
        do throws(ConfigurationFaults) {
            _ = try Configuration.parse("node: {user: '${env:PATH}'}")
            Issue.record("accepted")
        } catch {
            #expect(error.description == "line 1: node.user: \"${env:PATH}\" is not the name of a user")
        }
    }

    @Test func valuesOfFiles() throws {
        try withDirectory { directory in
            for text in ["5", "5\n", "5\r\n"] {
                try write(Array(text.utf8), to: "\(directory)/value")
                #expect(try catalog("node: {workers: '${file:\(directory)/value}'}").node.workers == 5)
            }
            try write(Array("5\n\n".utf8), to: "\(directory)/value")
            #expect(faults("node: {workers: '${file:\(directory)/value}'}").first?.contains("control character") == true)
        }
    }

    @Test func oneNewlineAtTheEndOfAVariableIsNotMeant() throws {
        for text in ["5", "5\n", "5\r\n"] {
            #expect(try catalog("node: {workers: '${env:N}'}", environment: ["N": text]).node.workers == 5)
        }
        #expect(faults("node: {workers: '${env:N}'}", environment: ["N": "5\n\n"]).first?.contains("control character") == true)
    }

    @Test func filesThatCannotBeUsed() throws {
        try withDirectory { directory in
            try write([UInt8](repeating: 0x31, count: 65_537), to: "\(directory)/large")
            try write([0x31, 0xFF], to: "\(directory)/binary")
            #expect(mkfifo("\(directory)/pipe", 0o600) == 0)
            let expected = [
                "none": "cannot be opened: No such file or directory", "large": "is larger than 64 KiB",
                "binary": "is not UTF-8 text", "pipe": "is not a regular file", "": "is not a regular file",
            ]
            for (name, reason) in expected {
                let reference = "${file:\(directory)/\(name)}"
                let found = faults("node:\n  user: \"\(reference)\"\n")
                #expect(found == ["line 2: node.user: \"\(reference)\" cannot be resolved: \(reference) \(reason)"])
            }
        }
    }

    @Test(arguments: [
        ("${env:NONE}", "cannot be resolved: ${env:NONE} is not set in the environment"),
        ("${env:}", "has the reference ${env:}, which names no environment variable"),
        ("a${env:NONE", "has a \"${\" without its \"}\"; references are ${env:NAME} and ${file:/path}"),
        ("${NONE}", "has the unknown reference ${NONE}; references are ${env:NAME} and ${file:/path}"),
        ("${file:x}", "has the reference ${file:x}, whose path is not absolute; write ${file:/path}"),
        ("${file:/}", "cannot be resolved: ${file:/} is not a regular file"),
        ("${}", "has the unknown reference ${}; references are ${env:NAME} and ${file:/path}"),
    ])
    func referencesThatResolveToNothing(text: String, expected: String) {
        #expect(faults("node:\n  user: '\(text)'\n") == ["line 2: node.user: \"\(text)\" \(expected)"])
    }

    @Test func aResolvedValueIsNotResolvedAgain() throws {
        let found = faults("node: {user: '${env:A}'}", environment: ["A": "${env:B}", "B": "bob"])
        #expect(found == ["line 1: node.user: \"${env:A}\" is not the name of a user"])
    }

    @Test func aSecretIsNeverPrinted() {
        let secret = "hunter2"
        let environment = [
            "S": secret, "A": "12.77.66.55/8:80", "M": "[::ffff:12.77.66.55]:80", "L": "12.77.66.55:80", "N": "\(secret)\n\n",
        ]
        let fields = [
            "cgroup", "brokerCgroup", "listen", "podAddress", "gateway", "admin", "proxy", "workers", "maxBody",
        ]
        var yaml = "node:\n" + fields.map { "  \($0): ${env:S}\n" }.joined()
        yaml += "  timeouts: {head: '${env:S}'}\n  user: '${env:N}'\n"
        yaml +=
            "capture:\n- {name: '${env:S}', to: ['${env:A}', '${env:M}', '${env:L}', '${env:L}', '${env:S}'], path: '${env:S}'}\n"
        yaml += "- {name: '${env:S}', to: '${env:L}'}\n"
        yaml += "models: {m: {endpoints: ['${env:S}', 'http://${env:L}', 'http://${env:L}', 'ftp://${env:S}']}}\n"
        yaml += "clients: {a: {workloads: ['${env:S}', '/${env:S}', '/${env:S}', '/${env:S}**']}}\n"
        let found = faults(yaml, environment: environment)
        #expect(found.count == 24, "\(found)")
        for fault in found { #expect(!fault.contains(secret) && !fault.contains("77.66.55") && !fault.contains("12.0.0.0")) }
    }

    @Test func referencesTogetherAreBounded() throws {
        try withDirectory { directory in
            try write([UInt8](repeating: 0x31, count: 65_536), to: "\(directory)/value")
            let many = String(repeating: "${file:\(directory)/value}", count: 1_000)
            #expect(faults("node: {user: '\(many)'}").first?.contains("all references together exceed 4 MiB") == true)
        }
    }

    @Test func configurationsAreLoadedFromFiles() throws {
        try withDirectory { directory in
            let path = "\(directory)/config"
            try write(Array("node: {workers: 9}\n".utf8), to: path)
            #expect(try Configuration.load(path: path).node.workers == 9)
            try write([UInt8](repeating: UInt8(ascii: "\n"), count: 4 << 20 | 1), to: path)
            #expect(throws: ConfigurationFaults.self) { try Configuration.load(path: path) }
            let expected = "the configuration file \(directory)/none cannot be opened: No such file or directory"
            do throws(ConfigurationFaults) {
                _ = try Configuration.load(path: "\(directory)/none")
                Issue.record("loaded a file that is not there")
            } catch {
                #expect(error.description == expected)
            }
        }
    }
}
