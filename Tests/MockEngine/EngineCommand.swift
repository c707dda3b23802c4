import ArgumentParser
import Glibc

/// An inference engine that answers like one, in the shape of OpenAI's API, and misbehaves on request.
@main
struct EngineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mock-engine",
        abstract: "An OpenAI-shaped inference engine without a model, for tests and demonstrations.")

    @OptionGroup var options: EngineOptions

    func run() async throws {
        let served = ServiceLog(engine: options.name, path: options.size.journal)
        let life = try await Life.begin(options, served)
        let engine = Engine(EngineState(options: options, life: life, served: served))
        let addresses = try await engine.start()
        print("listening on " + addresses.joined(separator: " "))
        fflush(nil)
        try await engine.waitUntilClosed()
    }
}
