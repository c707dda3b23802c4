/// Something that keeps a command from doing its work, as a sentence for people.
struct CommandError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// The command has printed everything; only the exit status is left to say.
struct CommandFailed: Error {
    var status: Int32 = 1
}
