/// Validates a JSON text (RFC 8259) that arrives piece by piece and reads what routing and limits go by under its
/// top-level keys, wherever they stand: the string under `model`, the limits of tokens, whether `stream` is true and what
/// `stream_options` says, how many answers are wanted, and hashes of `user` and of the head of the prompt. A value under
/// one of these that the API does not allow for is kept as `keyFault`, and does not end the reading. Each byte is looked at
/// once; nothing is kept but these and the nesting.
///
/// What a text is made of by far the most, the inside of its strings, is gone through in blocks as long as a piece goes
/// on; the rest, and what a piece cuts in two, byte by byte.
package struct JSONKeyScanner: Sendable {
    /// Deepest nesting of arrays and objects.
    package static let depthLimit = 512

    private enum State: UInt8 {
        case value, firstElement, firstKey, key, colon, afterValue
        case string, escape, unicode, literal
        case minus, zero, integer, point, fraction, exponent, exponentSign, exponentDigits
        case complete
    }

    /// What the string being read is for.
    private enum Purpose: UInt8 { case key, topKey, optionKey, value, model, user }

    /// What the value is that comes after a top-level key, until it ends; `prompt` also inside of it, up to its head's end,
    /// and `options` up to its own.
    private enum Followed: UInt8 {
        case other, model, number, stream, user, prompt, options

        /// What `take` does not know the places of.
        @inline(__always) var isTracked: Bool { rawValue >= Followed.prompt.rawValue }
    }

    private var state = State.value
    private var purpose = Purpose.value
    private var nesting = Nesting()
    private var key = TopKeyMatch()
    private var literal = LiteralMatch()
    private var utf8 = UTF8Validator()
    private var unit = EscapedUnit()
    private var follows = Followed.other
    private var modelKeys = 0
    /// The key that the number belongs to, what its digits make so far, and whether a minus stands before them.
    private var numberKey = KeyFault.Key.maxTokens
    private var number = Natural()
    private var isNegative = false
    /// Where the byte under way stands, inside of `stream_options`.
    private var place: UInt64 = 0
    /// The value of `include_usage` comes, or is under way.
    private var isIncludeUsage = false
    /// Of the user, or of the prompt's head.
    private var hash = TextHash()
    /// Bytes of the prompt that are still to be hashed.
    private var promptRest: Int
    private var promptBegan = false
    /// Bytes of the text in the pieces so far.
    private var size: UInt64 = 0
    private var modelStart: UInt64 = 0
    private var modelEnd: UInt64 = 0

    /// The name under `model`, in UTF-8, escapes resolved; valid once `foundModel`.
    package private(set) var model = CapturedName()
    package private(set) var foundModel = false
    /// The number under `max_tokens`, `max_completion_tokens` or `max_output_tokens`, the largest one; nil: none has been
    /// seen.
    package private(set) var maxTokens: UInt64?
    /// How many answers are wanted, as `n` says; nil: it has not been seen, or says nothing that can be.
    package private(set) var answers: UInt64?
    /// What `stream` says; nil: nothing, or neither true nor false. The last one counts.
    package private(set) var stream: Bool?
    /// Hash of the string under `user`, escapes resolved; 0: none, or an empty one. The last one counts.
    package private(set) var user: UInt64 = 0
    /// Hash of the head of the value under `messages`, `prompt` or `input`, as it stands in the text, of the one that comes
    /// first; 0: none that is a string, an array or an object, or not asked for.
    package private(set) var prompt: UInt64 = 0
    package private(set) var streamOptions = StreamOptions()
    /// The first value that is not what its key asks for.
    package private(set) var keyFault: KeyFault?
    /// Where the brace stands that ends the text, counted from its first byte; nil: the text has not ended, or is no object.
    package private(set) var closingBrace: UInt64?

    /// - Parameter promptBytes: how many bytes of the prompt are hashed at most; 0: it is not looked at.
    package init(promptBytes: Int = 0) { promptRest = promptBytes }

    /// Where the string under `model` stands, without its quotes and as written, counted from the first byte of the text;
    /// nil until `foundModel`.
    package var modelRange: Range<UInt64>? { foundModel ? modelStart..<modelEnd : nil }

    /// Goes through `bytes[range]`, the next piece of the text.
    package mutating func scan(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(JSONFault) {
        let wasComplete = state == .complete
        try read(bytes, range)
        if state == .complete, !wasComplete { noteEnd(bytes, range) }
    }

    /// Only space may follow the text, so its last byte is the piece's last one that is none.
    private mutating func noteEnd(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        var index = range.upperBound - 1
        while index > range.lowerBound, bytes[index] <= 0x20 { index -= 1 }
        if bytes[index] == 0x7D { closingBrace = size - UInt64(range.upperBound - index) }
    }

    private mutating func read(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(JSONFault) {
        var index = range.lowerBound
        let end = range.upperBound
        // Where the piece's buffer begins, counted from the first byte of the text.
        let base = size &- UInt64(index)
        size &+= UInt64(range.count)
        if follows.isTracked { index = try scanTracked(bytes, index, to: end, base) }
        while index < end {
            if state == .string, utf8.isComplete {
                index = try takeText(bytes, index, to: end, base)
                guard index < end else { return }
                if bytes[index] == 0x22 {
                    try endString(at: base &+ UInt64(index))
                    index += 1
                    if follows.isTracked { index = try scanTracked(bytes, index, to: end, base) }
                    continue
                }
            }
            try take(bytes[index])
            index += 1
        }
    }

    /// The text ends here.
    package mutating func finish() throws(JSONFault) {
        if nesting.depth == 0, isWholeNumber { state = .complete }
        guard state == .complete else { throw .truncated }
    }

    private mutating func take(_ byte: UInt8) throws(JSONFault) {
        switch state {
        case .string: try takeString(byte)
        case .escape: try takeEscape(byte)
        case .unicode: try takeUnicode(byte)
        case .literal:
            guard let isWhole = literal.take(byte) else { throw .syntax }
            if isWhole { endOfValue() }
        case .value, .firstElement, .firstKey, .key, .colon, .afterValue, .complete: try takeStructure(byte)
        default: try takeNumber(byte)
        }
    }
}

// MARK: - Structure

extension JSONKeyScanner {
    private mutating func takeStructure(_ byte: UInt8) throws(JSONFault) {
        if byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { return }
        switch state {
        case .value: try beginValue(byte)
        case .firstElement where byte == 0x5D: try close(object: false)
        case .firstElement: try beginValue(byte)
        case .firstKey where byte == 0x7D: try close(object: true)
        case .firstKey, .key:
            guard byte == 0x22 else { throw .syntax }
            begin(nesting.depth == 1 ? .topKey : follows == .options && nesting.depth == 2 ? .optionKey : .key)
        case .colon:
            guard byte == 0x3A else { throw .syntax }
            state = .value
        case .afterValue:
            switch byte {
            case 0x2C: state = nesting.isObject ? .key : .value
            case 0x5D: try close(object: false)
            case 0x7D: try close(object: true)
            default: throw .syntax
            }
        default: throw .syntax
        }
    }

    private mutating func beginValue(_ byte: UInt8) throws(JSONFault) {
        if follows != .other { try beginFollowed(byte) }
        switch byte {
        case 0x22: begin(follows == .model ? .model : follows == .user ? .user : .value)
        case 0x7B: try open(object: true)
        case 0x5B: try open(object: false)
        case 0x2D: state = .minus
        case 0x30: state = .zero
        case 0x31...0x39: state = .integer
        default:
            guard literal.begin(byte) else { throw .syntax }
            state = .literal
        }
    }

    /// A value begins that is looked for, or inside of one; what can't be one is no more.
    private mutating func beginFollowed(_ byte: UInt8) throws(JSONFault) {
        switch follows {
        case .model:
            guard byte == 0x22 else { throw .modelType }
        case .number: beginNumber(byte)
        case .stream:
            if byte == 0x74 || byte == 0x66 { return }
            follows = .other
            if byte != 0x6E { note(.stream, .type) }
        case .user:
            if byte == 0x22 { return hash = TextHash() }
            follows = .other
            if byte != 0x6E { note(.user, .type) }
        case .prompt where !promptBegan:
            promptBegan = byte == 0x22 || byte == 0x5B || byte == 0x7B
            if promptBegan { hash = TextHash() } else { follows = .other }
        case .options: beginOption(byte)
        case .prompt, .other: break
        }
    }

    private mutating func note(_ key: KeyFault.Key, _ problem: KeyFault.Problem) {
        if keyFault == nil { keyFault = KeyFault(key: key, problem: problem) }
    }

    private mutating func open(object: Bool) throws(JSONFault) {
        guard nesting.push(object: object) else { throw .tooDeep }
        state = object ? .firstKey : .firstElement
    }

    private mutating func close(object: Bool) throws(JSONFault) {
        guard nesting.pop(object: object) else { throw .syntax }
        endOfValue()
    }

    private mutating func endOfValue() {
        if follows != .other { endFollowed() }
        state = nesting.depth == 0 ? .complete : .afterValue
    }

    private mutating func endFollowed() {
        switch follows {
        case .number: endNumber()
        case .stream: stream = literal.isTrue
        case .user: user = hash.isEmpty ? 0 : hash.value
        case .prompt where nesting.depth > 1: return
        case .options where nesting.depth > 1: return endOption()
        case .options: streamOptions.end = place + 1
        case .model, .prompt, .other: break
        }
        follows = .other
    }
}

// MARK: - Values whose places are kept

extension JSONKeyScanner {
    private mutating func scanTracked(
        _ bytes: Span<UInt8>, _ start: Int, to end: Int, _ base: UInt64
    ) throws(JSONFault) -> Int {
        if follows == .prompt { return try scanPrompt(bytes, start, to: end, base) }
        var index = start
        while index < end, follows == .options {
            place = base &+ UInt64(index)
            index = try step(bytes, index, to: end, base)
        }
        return index
    }

    /// A value begins that is `stream_options`, or inside of that.
    private mutating func beginOption(_ byte: UInt8) {
        switch nesting.depth {
        case 1:
            streamOptions.begin(at: place, byte)
            if byte != 0x7B, byte != 0x6E { note(.streamOptions, .type) }
        case 2 where isIncludeUsage:
            streamOptions.includeUsageStart = place
            guard byte != 0x74, byte != 0x66, byte != 0x6E else { return }
            isIncludeUsage = false
            note(.includeUsage, .type)
        default: break
        }
    }

    /// A value in `stream_options` has ended.
    private mutating func endOption() {
        guard isIncludeUsage, nesting.depth == 2 else { return }
        isIncludeUsage = false
        streamOptions.includeUsage = literal.isTrue
        streamOptions.includeUsageEnd = place + 1
    }

    private mutating func endOptionKey() {
        streamOptions.isEmpty = false
        guard key.equals("include_usage") else { return }
        if streamOptions.includeUsageStart != 0 { note(.includeUsage, .repeated) }
        isIncludeUsage = true
    }

    /// Goes on as `scan` does, from behind the prompt's key or inside its value, and hashes as much of the value as is
    /// asked for; returns where that ended.
    private mutating func scanPrompt(
        _ bytes: Span<UInt8>, _ start: Int, to end: Int, _ base: UInt64
    ) throws(JSONFault) -> Int {
        var index = start
        while index < end, follows == .prompt {
            let wasBegun = promptBegan
            let next = try step(bytes, index, to: wasBegun ? min(end, index + promptRest) : index + 1, base)
            if promptBegan {
                hash.append(bytes, index..<next)
                promptRest -= next - index
                if promptRest == 0 { follows = .other }
            }
            index = next
        }
        if promptBegan, follows == .other {
            prompt = hash.value
            promptRest = 0
        }
        return index
    }

    /// What `scan` does at `start`, at least one byte; returns where it stopped.
    private mutating func step(_ bytes: Span<UInt8>, _ start: Int, to end: Int, _ base: UInt64) throws(JSONFault) -> Int {
        var index = start
        if state == .string, utf8.isComplete {
            index = try takeText(bytes, index, to: end, base)
            guard index < end else { return end }
            if bytes[index] == 0x22 {
                try endString(at: base &+ UInt64(index))
                return index + 1
            }
        }
        try take(bytes[index])
        return index + 1
    }
}

// MARK: - Strings

extension JSONKeyScanner {
    private mutating func begin(_ newPurpose: Purpose) {
        purpose = newPurpose
        if purpose == .topKey || purpose == .optionKey { key.clear() }
        state = .string
    }

    /// Goes through as much as needs no closer look; returns where it stopped.
    private mutating func takeText(
        _ bytes: Span<UInt8>, _ start: Int, to end: Int, _ base: UInt64
    ) throws(JSONFault) -> Int {
        // What nobody wants to know may hold half a surrogate pair, so that needs no following there.
        if purpose == .value || purpose == .key { return bytes.endOfText(from: start, to: end) }
        guard !unit.isHalf else { return start }
        let stop = bytes.endOfPlainText(from: start, to: end)
        switch purpose {
        case .topKey, .optionKey: key.take(bytes, start..<stop)
        case .user: hash.append(bytes, start..<stop)
        case .key, .value, .model:
            if modelStart == 0 { modelStart = base &+ UInt64(start) }
            guard model.append(bytes, start..<stop) else { throw .modelLength }
        }
        return stop
    }

    private mutating func takeString(_ byte: UInt8) throws(JSONFault) {
        if byte < 0x20 { throw .controlCharacter }
        guard utf8.take(byte) else { throw .invalidUTF8 }
        // A quote never comes here: it ends the text that `takeText` goes through.
        if utf8.isComplete, byte == 0x5C { state = .escape } else { try capture(byte) }
    }

    /// The string's closing quote stands `position` bytes behind the first of the text.
    private mutating func endString(at position: UInt64) throws(JSONFault) {
        if unit.isHalf, purpose == .model { throw .invalidEscape }
        unit = EscapedUnit()
        switch purpose {
        case .key: state = .colon
        case .topKey:
            state = .colon
            try endTopKey()
        case .optionKey:
            state = .colon
            endOptionKey()
        case .value, .user: endOfValue()
        case .model:
            guard !model.isEmpty else { throw .modelLength }
            foundModel = true
            modelEnd = position
            endOfValue()
        }
    }

    private mutating func endTopKey() throws(JSONFault) {
        switch key.match {
        case .model:
            guard modelKeys == 0 else { throw .modelRepeated }
            modelKeys = 1
            follows = .model
        case .number(let key): (follows, numberKey) = (.number, key)
        case .stream: (follows, stream) = (.stream, nil)
        case .user: (follows, user) = (.user, 0)
        case .prompt:
            if promptRest > 0, !promptBegan { follows = .prompt }
        case .options:
            follows = .options
            if streamOptions.isPresent { note(.streamOptions, .repeated) }
            streamOptions = StreamOptions(isPresent: true)
        case .other: break
        }
    }

    private mutating func takeEscape(_ byte: UInt8) throws(JSONFault) {
        state = .string
        switch byte {
        case 0x22, 0x5C, 0x2F: try capture(byte)
        case 0x62: try capture(0x08)
        case 0x66: try capture(0x0C)
        case 0x6E: try capture(0x0A)
        case 0x72: try capture(0x0D)
        case 0x74: try capture(0x09)
        case 0x75: state = .unicode
        default: throw .invalidEscape
        }
    }

    private mutating func takeUnicode(_ byte: UInt8) throws(JSONFault) {
        guard let digit = ByteClass.hexValue(byte) else { throw .invalidEscape }
        guard let result = unit.take(digit) else { return }
        state = .string
        switch result {
        case .half: break
        case .lone:
            if purpose == .model { throw .invalidEscape }
            key.fail()
        case .scalar(let scalar):
            for byte in UTF8.encode(scalar) ?? .init() { try keep(byte) }
        }
    }

    /// A character other than a \u escape: a half surrogate pair before it stays alone.
    private mutating func capture(_ byte: UInt8) throws(JSONFault) {
        if unit.isHalf {
            if purpose == .model { throw .invalidEscape }
            unit = EscapedUnit()
            key.fail()
        }
        try keep(byte)
    }

    private mutating func keep(_ byte: UInt8) throws(JSONFault) {
        switch purpose {
        case .topKey, .optionKey: key.take(byte)
        case .user: hash.append(byte)
        case .model:
            guard model.append(byte) else { throw .modelLength }
        case .key, .value: break
        }
    }
}

// MARK: - Numbers

extension JSONKeyScanner {
    private var isWholeNumber: Bool {
        state == .zero || state == .integer || state == .fraction || state == .exponentDigits
    }

    private mutating func beginNumber(_ byte: UInt8) {
        isNegative = byte == 0x2D
        if ByteClass.isDigit(byte) || isNegative { return number = Natural(digit: isNegative ? 0x30 : byte) }
        follows = .other
        if byte != 0x6E { note(numberKey, .type) }
    }

    /// Only a whole number is one here: 1e2 and 1.0 are read differently by different servers.
    private mutating func endNumber() {
        guard state == .integer || state == .zero else { return note(numberKey, .type) }
        // A negative number may be a priority.
        guard numberKey != .priority else { return }
        let value = isNegative ? 0 : number.value
        if value < 1 { note(numberKey, .belowMinimum) }
        if numberKey == .n {
            answers = value < 1 || value > KeyFault.mostAnswers ? nil : value
            if value > KeyFault.mostAnswers { note(.n, .aboveMaximum) }
        } else if !isNegative {
            maxTokens = max(maxTokens ?? 0, value)
        }
    }

    private mutating func takeNumber(_ byte: UInt8) throws(JSONFault) {
        let isDigit = ByteClass.isDigit(byte)
        let isExponent = byte | 0x20 == 0x65
        switch state {
        case .minus where byte == 0x30: state = .zero
        case .minus where isDigit: state = .integer
        case .integer where isDigit:
            if follows == .number { number.append(digit: byte) }
        case .fraction where isDigit, .exponentDigits where isDigit: break
        case .zero where byte == 0x2E, .integer where byte == 0x2E: state = .point
        case .point where isDigit: state = .fraction
        case .zero where isExponent, .integer where isExponent, .fraction where isExponent: state = .exponent
        case .exponent where byte == 0x2B || byte == 0x2D: state = .exponentSign
        case .exponent where isDigit, .exponentSign where isDigit: state = .exponentDigits
        default:
            guard isWholeNumber else { throw .syntax }
            endOfValue()
            try takeStructure(byte)
        }
    }
}
