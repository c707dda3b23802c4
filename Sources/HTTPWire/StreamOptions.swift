/// What a request says under `stream_options`, and where; places are counted from the first byte of the text.
package struct StreamOptions: Hashable, Sendable {
    /// What is to be put where, so that the endpoint says at the end of a stream what it used.
    package enum Need: Hashable, Sendable {
        /// Nothing: the request says so itself.
        case nothing
        case edit(BodyEdit)
        /// It can't be said by one edit of this value, or not yet.
        case unknown
    }

    /// The key has been read.
    package internal(set) var isPresent = false
    /// The value is null; otherwise it is an object, or a fault.
    private(set) var isNull = false
    /// The object has no members so far.
    var isEmpty = true
    private(set) var start: UInt64 = 0
    var end: UInt64 = 0
    /// 0: there is none, for it can't stand at the start of the text.
    var includeUsageStart: UInt64 = 0
    var includeUsageEnd: UInt64 = 0
    /// What `include_usage` says; nil: nothing, or null.
    package internal(set) var includeUsage: Bool?

    init(isPresent: Bool = false) { self.isPresent = isPresent }

    /// The value begins with `byte`.
    mutating func begin(at position: UInt64, _ byte: UInt8) {
        start = position
        isNull = byte == 0x6E
    }

    /// The value has been read to its end.
    package var isWhole: Bool { end != 0 }

    /// The request asks for the usage itself.
    package var asksUsage: Bool { includeUsage == true }

    /// What makes the request ask for the usage. The value must have been read to its end, and have no fault.
    package var need: Need {
        guard isWhole else { return .unknown }
        if asksUsage { return .nothing }
        if isNull { return .edit(BodyEdit(start..<end, replacement: Array(#"{"include_usage":true}"#.utf8))) }
        if includeUsageEnd != 0 { return .edit(BodyEdit(includeUsageStart..<includeUsageEnd, replacement: Array("true".utf8))) }
        let member = isEmpty ? #""include_usage":true"# : #""include_usage":true,"#
        return .edit(BodyEdit(start + 1..<start + 1, replacement: Array(member.utf8)))
    }

    /// The member that a request without this key gets, with the comma before it, to stand behind its last one.
    package static let member: StaticString = #","stream_options":{"include_usage":true}"#
}
