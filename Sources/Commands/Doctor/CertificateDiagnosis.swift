internal import Control

extension Diagnosis {
    /// The checks of the certificates that the configuration names, by what the agent has read: one line for all that are
    /// valid, and one for each that is not, or not for long.
    static func certificates(_ reading: HostReading) -> [Check] {
        guard case .running(let status) = reading.agent, let all = status.certificates, !all.isEmpty else { return [] }
        let findings = all.compactMap { finding($0, now: reading.now) }
        guard findings.isEmpty else { return findings }
        let first = all.map(\.expires).min() ?? 0
        let files = Units.count(Set(all.map(\.file)).count, "file")
        return [.ok("certificates", "\(files), valid until \(Units.moment(epochSeconds: first)) at least")]
    }

    /// nil: nothing is wrong with it.
    private static func finding(_ certificate: CertificateReport, now: Int64) -> Check? {
        let name = "certificate \(certificate.file)"
        let what = certificate.subject.map { "\(certificate.use), \($0)," } ?? certificate.use
        let end = Units.moment(epochSeconds: certificate.expires)
        if certificate.expires <= now { return .fail(name, "\(what) has expired on \(end)", renew) }
        if let begins = certificate.begins, begins > now {
            return .fail(
                name, "\(what) is not valid before \(Units.moment(epochSeconds: begins))",
                "look at this machine's clock, which says \(Units.moment(epochSeconds: now)); or put another in its place")
        }
        guard certificate.expires - now < CertificateReport.notice else { return nil }
        let days = Units.count(Int((certificate.expires - now) / 86_400), "day")
        return .warn(name, "\(what) expires in \(days), on \(end)", renew)
    }

    private static let renew = "put a new one in its place; it is read again by itself"
}
