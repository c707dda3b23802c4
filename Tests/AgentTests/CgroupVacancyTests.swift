import Testing

@testable import Agent

/// On a directory that looks like a cgroup: what the kernel itself tells is seen wherever a proxy is stopped.
struct CgroupVacancyTests {
    @Test func whatIsNotThereIsVacant() async { #expect(await CgroupVacancy.wait(["/nowhere"], atMost: .zero)) }

    @Test func whoIsThereIsWaitedForAndNotForEver() async throws {
        let scratch = try Scratch()
        try scratch.write("populated 1\nfrozen 0\n", to: "cgroup.events")
        #expect(await !CgroupVacancy.wait([scratch.path], atMost: .milliseconds(5)))
        try scratch.write("populated 0\nfrozen 1\n", to: "cgroup.events")
        #expect(await CgroupVacancy.wait(["/nowhere", scratch.path], atMost: .zero))
    }
}
