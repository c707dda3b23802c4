/// Reads how many tokens an answer says that it used: the `usage` object of a JSON text, or of the last event or line of a
/// stream that has one, of the OpenAI, Responses and Anthropic APIs, or the counts that Ollama puts beside the answer. It
/// takes bytes as they come, keeps a few numbers, and has no opinion on whether the text is valid.
package struct UsageScanner: Sendable {
    /// An answer's `usage`; nil where it does not say.
    private struct Numbers {
        var total: UInt64?
        var prompt: UInt64?
        var completion: UInt64?
    }

    /// What an object is, by the key it stands under.
    private enum Place: UInt8 {
        case elsewhere
        /// Directly in the text, or in its `response` or `message`: here `usage` is looked for.
        case answer
        case usage
    }

    private enum State: UInt8 { case between, string, escape, number }

    private let form: BodyForm
    private var state = State.between
    /// Arrays and objects that are open, and what the outer four are.
    private var depth = 0
    private var places = InlineArray<4, Place>(repeating: .elsewhere)
    private var key = UsageKey()
    /// The last string was a key: it and a colon were read, and its value has not come.
    private var followed = UsageKey.Name.other
    /// A colon was read: a string now is a value.
    private var isValue = false
    private var digits = Natural()
    private var isWhole = false
    private var lineIsEmpty = true
    /// A carriage return came last: a line feed now belongs to it.
    private var isReturn = false
    private var found = Numbers()
    /// Which of them the `usage` under way has said.
    private var saysPrompt = false
    private var saysCompletion = false

    /// Objects at the top of the text: events or lines of a stream, less its `[DONE]`.
    package private(set) var objects: UInt64 = 0
    /// Bytes of the body.
    package private(set) var size: UInt64 = 0

    package init(_ form: BodyForm) { self.form = form }

    package init(isEventStream: Bool) { self.init(isEventStream ? .eventStream : .json) }

    /// Tokens used, prompt and answer; nil: the answer has not said.
    package var tokens: UInt64? { use(prompt: 0).map { $0.input + $0.output } }

    /// Tokens of the prompt and of the answer; nil: the answer has not said. A total that is larger than both has tokens
    /// in it that were generated and not shown, so the rest of it is the answer's.
    ///
    /// - Parameter prompt: what the prompt is taken to have where the answer says nothing but a total.
    package func use(prompt estimate: UInt64) -> (input: UInt64, output: UInt64)? {
        let (prompt, completion) = (found.prompt, found.completion)
        guard let total = found.total else {
            return prompt == nil && completion == nil ? nil : (prompt ?? 0, completion ?? 0)
        }
        if let prompt { return (prompt, max(completion ?? 0, total - min(prompt, total))) }
        if let completion { return (total - min(completion, total), completion) }
        let input = min(estimate, total)
        return (input, total - input)
    }

    /// Goes through `bytes[range]`, the next piece of the body, its framing taken off.
    package mutating func scan(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        size += UInt64(range.count)
        var index = range.lowerBound
        while index < range.upperBound {
            if lineIsEmpty, depth == 0, state == .between, form == .eventStream {
                index = pastPlainEvents(bytes, from: index, to: range.upperBound)
                guard index < range.upperBound else { return }
            }
            if state == .string {
                let end = bytes.endOfPlainText(from: index, to: range.upperBound)
                if !key.isTooLong { key.take(bytes, index..<end) }
                index = end
                guard index < range.upperBound else { return }
            } else if isElsewhere, state == .between {
                let end = bytes.firstStructure(from: index, to: range.upperBound)
                if end > index { (lineIsEmpty, isReturn) = (false, false) }
                index = end
                guard index < range.upperBound else { return }
            }
            take(bytes[index])
            index += 1
        }
    }

    /// Nothing is half-way in a stream of events.
    package var isBetweenEvents: Bool { form == .eventStream && lineIsEmpty && depth == 0 && state == .between && !isReturn }

    /// Takes note of events that were gone past instead of being scanned; nothing may be half-way.
    package mutating func skip(_ events: PlainEvents) {
        objects += UInt64(events.count)
        size += UInt64(events.size)
    }

    /// Goes past events that are here as a whole and say nothing of what is looked for, as nearly all of a stream's do: one
    /// line, `data: {…}`, with an empty one behind it.
    private mutating func pastPlainEvents(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> Int {
        var index = start
        while end - index > 8, bytes.equals(index..<index + 7, "data: {") {
            let lineEnd = bytes.firstLineEnd(from: index, to: end)
            guard lineEnd + 1 < end, bytes[lineEnd] == 0x0A, bytes[lineEnd + 1] == 0x0A,
                !bytes.mayCountTokens(index..<lineEnd)
            else { break }
            objects += 1
            isReturn = false
            index = lineEnd + 2
        }
        return index
    }

    /// Nothing here is looked for: only where it ends matters. Embeddings are long lists of numbers.
    private var isElsewhere: Bool { depth == 0 || depth > 4 || places[depth - 1] == .elsewhere }

    private mutating func take(_ byte: UInt8) {
        switch state {
        case .string: takeString(byte)
        case .escape:
            state = .string
            key.fail()
        case .number:
            guard !ByteClass.isDigit(byte) else { return digits.append(digit: byte) }
            // 1.5 and 1e3 are no counts, nor is what follows the point or the sign.
            if byte == 0x2E || byte | 0x20 == 0x65 || byte == 0x2B || byte == 0x2D { return isWhole = false }
            endNumber()
            takeStructure(byte)
        case .between: takeStructure(byte)
        }
    }

    private mutating func takeString(_ byte: UInt8) {
        switch byte {
        case 0x22: state = .between
        case 0x5C: state = .escape
        case 0x0A, 0x0D: takeLineEnd(byte)
        default: key.fail()
        }
    }

    private mutating func takeStructure(_ byte: UInt8) {
        switch byte {
        case 0x0A, 0x0D: return takeLineEnd(byte)
        default: (lineIsEmpty, isReturn) = (false, false)
        }
        switch byte {
        case 0x22:
            key.clear()
            state = .string
            // Only the keys of few objects matter, and most of the text is none.
            if isValue || isElsewhere { key.fail() }
        case 0x3A:
            followed = key.name
            isValue = true
        case 0x7B: open(isObject: true)
        case 0x5B: open(isObject: false)
        case 0x7D, 0x5D: depth = max(0, depth - 1)
        case 0x2C: endMember()
        case 0x30...0x39 where !isElsewhere:
            state = .number
            digits = Natural(digit: byte)
            isWhole = true
        case 0x2D: followed = .other
        default: break
        }
    }

    /// An empty line ends an event, and any a text on a line, whatever was left open in it.
    private mutating func takeLineEnd(_ byte: UInt8) {
        guard form != .json else { return }
        defer { isReturn = byte == 0x0D }
        if isReturn, byte == 0x0A { return }
        // No string of JSON goes over a line's end.
        if state == .string { key.clear() }
        state = .between
        if lineIsEmpty || form == .jsonLines {
            depth = 0
            endMember()
        }
        lineIsEmpty = true
    }

    private mutating func open(isObject: Bool) {
        if depth == 0, isObject { objects += 1 }
        if depth < 4 {
            places[depth] = isObject ? place() : .elsewhere
            if places[depth] == .usage { (found.total, saysPrompt, saysCompletion) = (nil, false, false) }
        }
        depth += 1
        endMember()
    }

    private mutating func endMember() {
        key.clear()
        followed = .other
        isValue = false
    }

    private func place() -> Place {
        if depth == 0 { return .answer }
        guard places[depth - 1] == .answer else { return .elsewhere }
        switch followed {
        case .usage: return .usage
        case .container where depth == 1: return .answer
        default: return .elsewhere
        }
    }

    private mutating func endNumber() {
        state = .between
        guard isWhole, depth > 0, depth <= 4 else { return }
        switch (places[depth - 1], followed) {
        case (.usage, .total):
            found.total = digits.value
            // What an earlier one said is not part of it.
            if !saysPrompt { found.prompt = nil }
            if !saysCompletion { found.completion = nil }
        case (.usage, .prompt): (found.prompt, saysPrompt) = (digits.value, true)
        case (.usage, .completion): (found.completion, saysCompletion) = (digits.value, true)
        case (.answer, .promptCount): (found.prompt, found.total) = (digits.value, nil)
        case (.answer, .completionCount): (found.completion, found.total) = (digits.value, nil)
        default: break
        }
    }
}

/// Compares a key, character by character, with those that matter in an answer.
private struct UsageKey {
    enum Name: UInt8 {
        case other, usage, total, prompt, completion
        /// Those of Ollama, beside the answer.
        case promptCount, completionCount
        /// An object that has the whole answer in it.
        case container
    }

    private static let limit = 17

    private var bytes = InlineArray<17, UInt8>(repeating: 0)
    private var count = 0

    var isTooLong: Bool { count > Self.limit }

    /// Takes the bytes of `range`, which most often are the whole key.
    mutating func take(_ text: Span<UInt8>, _ range: Range<Int>) {
        guard range.count <= Self.limit - count else { return fail() }
        for index in range {
            bytes[count] = text[index]
            count &+= 1
        }
    }

    mutating func clear() { count = 0 }

    mutating func fail() { count = Self.limit + 1 }

    var name: Name {
        switch count {
        case 5 where equals("usage"): .usage
        case 7 where equals("message"), 8 where equals("response"): .container
        case 12 where equals("total_tokens"): .total
        case 12 where equals("input_tokens"), 13 where equals("prompt_tokens"): .prompt
        case 13 where equals("output_tokens"), 17 where equals("completion_tokens"): .completion
        case 17 where equals("prompt_eval_count"): .promptCount
        case 10 where equals("eval_count"): .completionCount
        default: .other
        }
    }

    private func equals(_ text: StaticString) -> Bool { bytes.span.equals(0..<count, text) }
}
