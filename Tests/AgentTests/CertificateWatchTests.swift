import Catalog
import Control
import TLSFixtures
import Testing

@testable import Agent

@Suite struct CertificateWatchTests {
    @Test func eachFileIsToldOfByItsUse() throws {
        let (authority, scratch) = (try TestAuthority(), try Scratch())
        let now = Int64(Clocks.epochSeconds())
        let chain = scratch["chain.pem"]
        // Of a chain the first to expire counts and the last to begin, of authorities it is the other way round.
        let long = try authority.issue(subject: [("CN", "long")], from: -500, until: 9_000)
        let short = try authority.issue(subject: [("CN", "short")], from: -900, until: 5_000)
        let both = long.chain + short.chain
        try File.replace(chain, with: Array(both.utf8), mode: 0o600)
        var catalog = Catalog()
        catalog.node.secureGateway = [
            SecureListener(
                address: SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 1), certificateFile: chain, keyFile: "/none",
                clientAuthorityFile: chain, clientCertificates: .optional),
            SecureListener(
                address: SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 2), certificateFile: "/nowhere", keyFile: "/none"),
        ]
        catalog.node.remoteWrite = RemoteWrite(target: WebTarget(url: "https://a", caFile: authority.file))
        catalog.node.otlp = TelemetryExport(target: WebTarget(url: "https://b", caFile: authority.file))
        let watch = CertificateWatch()
        let reports = watch.reports(catalog)
        #expect(reports.map(\.use) == ["gateway", "client-ca", "export-ca"])
        #expect(reports.map(\.file) == [chain, chain, authority.file])
        #expect(reports.map(\.subject) == ["CN=short", "CN=long", "CN=Test Authority"])
        #expect((-600 ... -400).contains((reports.first?.begins ?? 0) - now))
        #expect((-1_000 ... -800).contains((reports.dropFirst().first?.begins ?? 0) - now))
        #expect((4_900...5_100).contains((reports.first?.expires ?? 0) - now))
        #expect((8_900...9_100).contains((reports.dropFirst().first?.expires ?? 0) - now))
        // Exchanged, or gone.
        try File.replace(chain, with: Array(try authority.issue("DNS:c", until: 70_000).chain.utf8), mode: 0o600)
        #expect((69_900...70_100).contains((watch.reports(catalog).first?.expires ?? 0) - now))
        try File.replace(chain, with: Array("nonsense".utf8), mode: 0o600)
        #expect(watch.reports(catalog).map(\.use) == ["export-ca"])
    }
}
