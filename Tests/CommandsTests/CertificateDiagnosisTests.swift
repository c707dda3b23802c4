import Commands
import Control
import Testing

@Suite struct CertificateDiagnosisTests {
    /// 2027-01-15T08:00:00Z
    private static let now: Int64 = 1_800_000_000
    private static let day: Int64 = 86_400

    private func checks(_ certificates: [CertificateReport]?) -> [Check] {
        var status = StatusReport()
        status.certificates = certificates
        var reading = HostReading()
        reading.agent = .running(status)
        reading.now = Self.now
        return Diagnosis.checks(of: reading).filter { $0.name.hasPrefix("certificate") }
    }

    private func gateway(from begins: Int64? = nil, until days: Int64, _ subject: String? = "CN=a") -> CertificateReport {
        CertificateReport(
            file: "/a.pem", use: "gateway", subject: subject, begins: begins.map { Self.now + $0 },
            expires: Self.now + days * Self.day)
    }

    @Test func saysNothingWhereThereIsNone() {
        #expect(checks(nil).isEmpty && checks([]).isEmpty)
        #expect(Diagnosis.checks(of: HostReading()).allSatisfy { !$0.name.hasPrefix("certificate") })
    }

    @Test func oneLineForAllThatAreValid() {
        let authority = CertificateReport(file: "/ca.pem", use: "client-ca", expires: Self.now + 365 * Self.day)
        let found = checks([gateway(from: -1, until: 14), gateway(until: 20), authority])
        #expect(found == [.ok("certificates", "2 files, valid until 2027-01-29T08:00:00Z at least")])
    }

    @Test func namesWhatHasExpiredIsAboutToOrHasNotBegun() {
        let found = checks([
            gateway(until: 0), gateway(from: -5, until: -3, nil), gateway(until: 1), gateway(from: 60, until: 90),
            gateway(until: 400),
        ])
        #expect(found.map(\.verdict) == [.fail, .fail, .warn, .fail])
        #expect(Set(found.map(\.name)) == ["certificate /a.pem"])
        #expect(
            found.map(\.finding) == [
                "gateway, CN=a, has expired on 2027-01-15T08:00:00Z", "gateway has expired on 2027-01-12T08:00:00Z",
                "gateway, CN=a, expires in 1 day, on 2027-01-16T08:00:00Z",
                "gateway, CN=a, is not valid before 2027-01-15T08:01:00Z",
            ])
        #expect(found.last?.advice?.contains("which says 2027-01-15T08:00:00Z") == true)
    }

    @Test func statusSaysTheSame() {
        var status = StatusReport()
        status.certificates = [
            CertificateReport(file: "/a", use: "gateway", begins: 4_102_444_800, expires: 4_133_980_800),
            CertificateReport(file: "/b", use: "gateway", expires: 1),
        ]
        #expect(status.text.contains("/a (gateway) NOT VALID BEFORE 2100-01-01T00:00:00Z"))
        #expect(status.text.contains("/b (gateway) HAS EXPIRED"))
    }
}
