internal import Catalog

/// The times in which a server is not to be used. Pure; time is seconds since 1970.
struct MaintenancePlan: Sendable {
    private var windows: [(window: MaintenanceWindow, schedule: CronSchedule)] = []

    init(_ windows: [MaintenanceWindow] = []) { add(windows) }

    var isEmpty: Bool { windows.isEmpty }

    /// One that cannot be read is left out: the configuration has been checked for that.
    mutating func add(_ more: [MaintenanceWindow]) {
        for window in more where !windows.contains(where: { $0.window == window }) {
            guard let schedule = try? CronSchedule(window.cron) else { continue }
            windows.append((window, schedule))
        }
    }

    /// End of the window under way, of several the last one, in milliseconds since 1970; nil: none is.
    func end(at now: UInt64) -> UInt64? {
        windows.compactMap { window, schedule in window.end(at: now * 1000, schedule) }.max()
    }

    /// When the next window begins; nil: never.
    func next(after now: UInt64) -> UInt64? {
        windows.compactMap { $1.next(after: Int64(clamping: now)).map { UInt64(clamping: $0) } }.min()
    }
}
