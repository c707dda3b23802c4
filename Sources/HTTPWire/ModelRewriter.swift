/// Puts another name in the place of the model's in an answer that arrives piece by piece: the string under the key
/// `model` (or `model_name`) of each JSON text, and, as events of the Responses and Messages APIs have it, under `model`
/// in the object under the text's `response` or `message`. Everything else goes on byte for byte and at once: only bytes
/// inside such a string are held back. What is not JSON goes on as it is, from where that shows.
package struct ModelRewriter: Sendable {
    package enum Key: Sendable {
        case model
        /// `model_name`: of a KServe v2 inference.
        case modelName
        /// `name`: of a model's KServe v2 metadata.
        case name
    }

    /// Longest string, in bytes as written, that is replaced.
    package static let limit = 1024

    private enum State: UInt8 {
        /// Before the text.
        case start
        /// In an object whose keys matter.
        case key, colon, value, after, scalar
        /// In an array or object in which nothing does.
        case elsewhere
        case string, escape, unicode
        case model, modelEscape
        /// The text has ended, or is none.
        case passing
    }

    /// What the string being read is.
    private enum Purpose: UInt8 { case key, value, elsewhere }

    /// What the key says of the value that follows.
    private enum Followed: UInt8 { case other, model, container }

    /// What is put behind the bytes that a step passes.
    private enum Edit { case none, replacement, held }

    private let replacement: [UInt8]
    private let modelKey: Key
    private var lines: TextLines
    private var state = State.start
    private var purpose = Purpose.value
    private var follows = Followed.other
    /// The object whose keys matter is the one under `response`.
    private var isInContainer = false
    /// Arrays and objects that are open where nothing matters.
    private var depth = 0
    private var key = TopKeyMatch()
    /// The digits of a \u escape in a key.
    private var unit: UInt32 = 0
    private var digits = 0
    /// The bytes of the string under `model` that earlier pieces had.
    private var held: [UInt8] = []

    /// - Parameter replacement: what stands between the quotes instead, escaped as JSON wants it.
    package init(replacement: [UInt8], form: BodyForm, key: Key = .model) {
        self.replacement = replacement
        modelKey = key
        lines = TextLines(form)
    }

    /// Bytes that are held back.
    package var heldCount: Int { held.count }

    /// Takes the next step through `bytes[range]`, the next piece of the body, its framing taken off: as far as the end of
    /// the next name, or of the range. What it left over is for the next step; it may go no byte further, but that one does.
    package mutating func step(_ bytes: Span<UInt8>, _ range: Range<Int>, into output: inout [UInt8]) -> RewriteStep {
        let (step, edit) = advance(bytes, range)
        append(edit, to: &output)
        return step
    }

    /// Appends what becomes of `bytes[range]`, the next piece of the body.
    package mutating func rewrite(_ bytes: Span<UInt8>, _ range: Range<Int>, into output: inout [UInt8]) {
        var index = range.lowerBound
        while index < range.upperBound {
            let (step, edit) = advance(bytes, index..<range.upperBound)
            output.append(bytes, index..<index + step.passed)
            append(edit, to: &output)
            index += step.count
        }
    }

    /// The body ends here: appends what is still held back.
    package mutating func finish(into output: inout [UInt8]) {
        append(.held, to: &output)
        state = .passing
    }

    private mutating func append(_ edit: Edit, to output: inout [UInt8]) {
        switch edit {
        case .none: return
        case .replacement: output.append(contentsOf: replacement)
        case .held: output.append(contentsOf: held)
        }
        if !held.isEmpty { held.removeAll(keepingCapacity: true) }
    }

    private mutating func advance(_ bytes: Span<UInt8>, _ range: Range<Int>) -> (RewriteStep, Edit) {
        var index = range.lowerBound
        let end = range.upperBound
        while index < end {
            if !lines.isInText {
                if lines.advance(bytes, &index, to: end) { beginText() }
            } else if state == .model || state == .modelEscape {
                let passed = index - range.lowerBound
                if let (replaced, edit) = takeModel(bytes, index, to: end) {
                    return (RewriteStep(passed: passed, replaced: replaced), edit)
                }
            } else {
                take(bytes, &index, to: end)
            }
        }
        return (RewriteStep(passed: end - range.lowerBound, replaced: 0), .none)
    }

    private mutating func beginText() {
        state = .start
        isInContainer = false
    }
}

// MARK: - The name

extension ModelRewriter {
    /// Goes on in the string under `model`, at the start of a piece or behind its opening quote. Nil: it is to go on as it
    /// is, and nothing of it was held back.
    private mutating func takeModel(_ bytes: Span<UInt8>, _ start: Int, to end: Int) -> (Int, Edit)? {
        let wasEscape = state == .modelEscape
        // One more than may be replaced: that is where the closing quote stands at last.
        let limit = min(end, start + Self.limit - held.count + 1)
        if let stop = endOfModel(bytes, start, to: limit) {
            if stop < limit {
                begin(.value)
                return (stop - start, .replacement)
            }
            if held.count + stop - start <= Self.limit {
                held.append(bytes, start..<stop)
                return (stop - start, .none)
            }
        }
        purpose = .value
        state = wasEscape ? .escape : .string
        return held.isEmpty ? nil : (0, .held)
    }

    /// Index of the closing quote; `end` if it does not come before that, nil if the string is none.
    private mutating func endOfModel(_ bytes: Span<UInt8>, _ start: Int, to end: Int) -> Int? {
        var index = start
        while index < end {
            if state == .modelEscape {
                state = .model
            } else {
                index = bytes.endOfText(from: index, to: end)
                guard index < end else { return end }
                if bytes[index] == 0x22 { return index }
                if bytes[index] == 0x5C { state = .modelEscape }
            }
            guard bytes[index] >= 0x20 else { return nil }
            index += 1
        }
        return end
    }
}

// MARK: - The text around it

extension ModelRewriter {
    /// Goes on by a byte or more.
    private mutating func take(_ bytes: Span<UInt8>, _ index: inout Int, to end: Int) {
        switch state {
        case .string: takeString(bytes, &index, to: end)
        case .elsewhere:
            index = bytes.firstStructure(from: index, to: end)
            guard index < end else { return }
            takeElsewhere(bytes[index])
            index += 1
        case .passing:
            index = lines.form == .json ? end : bytes.firstLineEnd(from: index, to: end)
            guard index < end else { return }
            takeLineEnd(bytes[index])
            index += 1
        case .unicode: if takeDigit(bytes[index]) { index += 1 }
        default:
            takeStructure(bytes[index])
            index += 1
        }
    }

    private mutating func takeStructure(_ byte: UInt8) {
        if byte == 0x0A || byte == 0x0D { return takeLineEnd(byte) }
        if state == .escape { return takeEscape(byte) }
        if byte == 0x20 || byte == 0x09 {
            if state == .scalar { state = .after }
            return
        }
        switch (state, byte) {
        case (.start, 0x7B): state = .key
        case (.key, 0x22):
            key.clear()
            begin(.key)
        case (.colon, 0x3A): state = .value
        case (.value, _): beginValue(byte)
        case (.after, 0x2C), (.scalar, 0x2C): state = .key
        case (.key, 0x7D), (.after, 0x7D), (.scalar, 0x7D):
            state = isInContainer ? .after : .passing
            isInContainer = false
        case (.scalar, 0x22), (.scalar, 0x3A), (.scalar, 0x5B), (.scalar, 0x5D), (.scalar, 0x7B): state = .passing
        case (.scalar, _): break
        default: state = .passing
        }
    }

    private mutating func beginValue(_ byte: UInt8) {
        switch byte {
        case 0x22 where follows == .model: state = .model
        case 0x22: begin(.value)
        case 0x7B where follows == .container:
            isInContainer = true
            state = .key
        case 0x7B, 0x5B:
            depth = 1
            state = .elsewhere
        case 0x2C, 0x3A, 0x5D, 0x7D: state = .passing
        default: state = .scalar
        }
    }

    private mutating func takeElsewhere(_ byte: UInt8) {
        switch byte {
        case 0x22: begin(.elsewhere)
        case 0x7B, 0x5B: depth += 1
        case 0x7D, 0x5D:
            depth -= 1
            if depth == 0 { state = .after }
        case 0x0A, 0x0D: takeLineEnd(byte)
        default: break
        }
    }

    /// In one JSON text line ends are space, elsewhere they end it, or go on in the next line of data.
    private mutating func takeLineEnd(_ byte: UInt8) {
        switch state {
        case .scalar: state = .after
        case .string, .escape, .unicode: state = .passing
        default: break
        }
        lines.endText(byte)
        if lines.form == .jsonLines { beginText() }
    }
}

// MARK: - Strings

extension ModelRewriter {
    private mutating func begin(_ newPurpose: Purpose) {
        purpose = newPurpose
        state = .string
    }

    private mutating func takeString(_ bytes: Span<UInt8>, _ index: inout Int, to end: Int) {
        if purpose == .key {
            let stop = bytes.endOfPlainText(from: index, to: end)
            key.take(bytes, index..<stop)
            index = stop
        } else {
            index = bytes.endOfText(from: index, to: end)
        }
        guard index < end else { return }
        let byte = bytes[index]
        index += 1
        switch byte {
        case 0x22: endString()
        case 0x5C: state = .escape
        case 0x0A, 0x0D: takeLineEnd(byte)
        case 0..<0x20: state = .passing
        default: key.fail()
        }
    }

    private mutating func endString() {
        switch purpose {
        case .key:
            state = .colon
            follows = keyMeaning
        case .value: state = .after
        case .elsewhere: state = .elsewhere
        }
    }

    private var keyMeaning: Followed {
        switch modelKey {
        case .model: break
        case .modelName: return key.equals("model_name") ? .model : .other
        case .name: return key.equals("name") ? .model : .other
        }
        if key.equals("model") { return .model }
        return !isInContainer && (key.equals("response") || key.equals("message")) ? .container : .other
    }

    private mutating func takeEscape(_ byte: UInt8) {
        state = byte < 0x20 ? .passing : .string
        guard purpose == .key else { return }
        switch byte {
        case 0x22, 0x5C, 0x2F: key.take(byte)
        case 0x75:
            state = .unicode
            (unit, digits) = (0, 0)
        default: key.fail()
        }
    }

    /// False when the byte is no hexadecimal digit: there is no escape then, and it belongs to the string.
    private mutating func takeDigit(_ byte: UInt8) -> Bool {
        guard let digit = ByteClass.hexValue(byte) else {
            key.fail()
            state = .string
            return false
        }
        unit = unit << 4 | UInt32(digit)
        digits += 1
        guard digits == 4 else { return true }
        // No key that is looked for has anything beyond ASCII.
        if unit < 0x80 { key.take(UInt8(unit)) } else { key.fail() }
        state = .string
        return true
    }
}
