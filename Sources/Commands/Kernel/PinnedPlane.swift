private import Glibc
internal import KernelPlane

/// Opens the pinned maps for a command.
enum PinnedPlane {
    static func open(_ pinDirectory: String) throws -> PlaneInspector {
        guard access(pinDirectory, F_OK) == 0 || errno != ENOENT else { throw nothing(pinDirectory) }
        return try PlaneInspector(pinDirectory: pinDirectory)
    }

    static func nothing(_ pinDirectory: String) -> CommandError {
        CommandError(
            """
            nothing is pinned in \(pinDirectory.printable): the broker captures nothing; \
            start the agent with: modelbrokerd --config /etc/modelbroker/modelbroker.yaml
            """)
    }
}
