/// Validates a JSON text (RFC 8259) that arrives piece by piece and reads the string under its top-level key `model`,
/// and the numbers under `max_tokens` and `max_completion_tokens`, wherever they stand. Each byte is looked at once;
/// nothing is kept but these and the nesting.
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
    private enum Purpose: UInt8 { case key, topKey, value, model }

    private var state = State.value
    private var purpose = Purpose.value
    private var nesting = Nesting()
    private var key = TopKeyMatch()
    private var literal = LiteralMatch()
    private var utf8 = UTF8Validator()
    private var unit = EscapedUnit()
    /// The value that follows is that of the top-level key `model`.
    private var modelFollows = false
    private var modelKeys = 0
    /// The value that follows is a limit of tokens; what its digits make so far.
    private var limitFollows = false
    private var limit = Natural()

    /// The name under `model`, in UTF-8, escapes resolved; valid once `foundModel`.
    package private(set) var model = CapturedName()
    package private(set) var foundModel = false
    /// The number under `max_tokens` or `max_completion_tokens`, the larger one; nil: neither has been seen.
    package private(set) var maxTokens: UInt64?

    package init() {}

    /// Goes through `bytes[range]`, the next piece of the text.
    package mutating func scan(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(JSONFault) {
        var index = range.lowerBound
        let end = range.upperBound
        while index < end {
            if state == .string, utf8.isComplete {
                index = try takeText(bytes, index, to: end)
                guard index < end else { return }
                if bytes[index] == 0x22 {
                    try endString()
                    index += 1
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
            begin(nesting.depth == 1 ? .topKey : .key)
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
        if modelFollows, byte != 0x22 { throw .modelType }
        switch byte {
        case 0x22: begin(modelFollows ? .model : .value)
        case 0x7B: try open(object: true)
        case 0x5B: try open(object: false)
        case 0x2D:
            state = .minus
            limitFollows = false
        case 0x30: state = .zero
        case 0x31...0x39:
            state = .integer
            if limitFollows { limit = Natural(digit: byte) }
        default:
            guard literal.begin(byte) else { throw .syntax }
            state = .literal
        }
    }

    private mutating func open(object: Bool) throws(JSONFault) {
        guard nesting.push(object: object) else { throw .tooDeep }
        limitFollows = false
        state = object ? .firstKey : .firstElement
    }

    private mutating func close(object: Bool) throws(JSONFault) {
        guard nesting.pop(object: object) else { throw .syntax }
        endOfValue()
    }

    private mutating func endOfValue() {
        modelFollows = false
        if limitFollows { takeLimit() }
        state = nesting.depth == 0 ? .complete : .afterValue
    }
}

// MARK: - Strings

extension JSONKeyScanner {
    private mutating func begin(_ newPurpose: Purpose) {
        purpose = newPurpose
        if purpose == .topKey { key.clear() }
        state = .string
    }

    /// Goes through as much as needs no closer look; returns where it stopped.
    private mutating func takeText(_ bytes: Span<UInt8>, _ start: Int, to end: Int) throws(JSONFault) -> Int {
        // What nobody wants to know may hold half a surrogate pair, so that needs no following there.
        if purpose == .value || purpose == .key { return bytes.endOfText(from: start, to: end) }
        guard !unit.isHalf else { return start }
        let stop = bytes.endOfPlainText(from: start, to: end)
        if purpose == .topKey {
            key.take(bytes, start..<stop)
        } else {
            guard model.append(bytes, start..<stop) else { throw .modelLength }
        }
        return stop
    }

    private mutating func takeString(_ byte: UInt8) throws(JSONFault) {
        if byte < 0x20 { throw .controlCharacter }
        guard utf8.take(byte) else { throw .invalidUTF8 }
        guard utf8.isComplete, byte == 0x22 || byte == 0x5C else { return try capture(byte) }
        if byte == 0x22 { try endString() } else { state = .escape }
    }

    private mutating func endString() throws(JSONFault) {
        if unit.isHalf, purpose == .model { throw .invalidEscape }
        unit = EscapedUnit()
        switch purpose {
        case .key: state = .colon
        case .topKey:
            state = .colon
            switch key.match {
            case .model:
                guard modelKeys == 0 else { throw .modelRepeated }
                modelKeys = 1
                modelFollows = true
            case .limit:
                limitFollows = true
                limit = Natural()
            case .other: break
            }
        case .value: endOfValue()
        case .model:
            guard !model.isEmpty else { throw .modelLength }
            foundModel = true
            endOfValue()
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
        if purpose == .topKey {
            key.take(byte)
        } else if purpose == .model {
            guard model.append(byte) else { throw .modelLength }
        }
    }
}

// MARK: - Numbers

extension JSONKeyScanner {
    private var isWholeNumber: Bool {
        state == .zero || state == .integer || state == .fraction || state == .exponentDigits
    }

    /// A limit's value has ended; only a whole number is one.
    private mutating func takeLimit() {
        limitFollows = false
        if state == .integer || state == .zero { maxTokens = max(maxTokens ?? 0, limit.value) }
    }

    private mutating func takeNumber(_ byte: UInt8) throws(JSONFault) {
        let isDigit = ByteClass.isDigit(byte)
        let isExponent = byte | 0x20 == 0x65
        switch state {
        case .minus where byte == 0x30: state = .zero
        case .minus where isDigit: state = .integer
        case .integer where isDigit:
            if limitFollows { limit.append(digit: byte) }
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
