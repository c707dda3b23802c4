/// The inside of JSON strings.
extension Span where Element == UInt8 {
    /// Index of the first byte at or after `start` that needs a closer look: the closing quote, a fault, or what the end
    /// of the piece may have cut in two. Plain text, whole escapes and whole characters beyond ASCII are gone past.
    func endOfText(from start: Int, to end: Int) -> Int {
        precondition(start >= 0 && end <= count)
        var index = start
        while index <= end - 16 {
            let found = plainTextBreaks(at: index).firstSet
            index = found < 16 ? index + found : endOfPlainText(from: index + 16, to: end)
            // No escape and no character is longer.
            guard index <= end - 6 else { return index }
            let next = self[index] == 0x5C ? endOfEscape(at: index) : endOfWideCharacters(from: index, to: end)
            guard next > index else { return index }
            index = next
        }
        return endOfPlainText(from: index, to: end)
    }

    /// Index of the first byte at or after `start` that is not plain text inside a JSON string: a quote, a backslash, a
    /// control character or a byte of a multi-byte character.
    func endOfPlainText(from start: Int, to end: Int) -> Int {
        // Once, and not for each block.
        precondition(start >= 0 && end <= count)
        var index = start
        if index <= end - 16 {
            // Most strings end in the first block, long ones go on for many.
            let found = plainTextBreaks(at: index).firstSet
            if found < 16 { return index + found }
            index += 16
        }
        while index <= end - 64 {
            let first = plainTextBreaks(at: index) .| plainTextBreaks(at: index + 16)
            let second = plainTextBreaks(at: index + 32) .| plainTextBreaks(at: index + 48)
            if (first .| second).isAnySet { break }
            index += 64
        }
        while index <= end - 16 {
            let found = plainTextBreaks(at: index).firstSet
            if found < 16 { return index + found }
            index += 16
        }
        while index < end {
            let byte = self[index]
            if byte == 0x22 || byte == 0x5C || byte < 0x20 || byte >= 0x80 { return index }
            index += 1
        }
        return end
    }

    /// Typed constants: with literals in their place the compiler chooses the comparison of any vectors, lane by lane.
    @inline(__always) private func plainTextBreaks(at index: Int) -> SIMDMask<SIMD16<Int8>> {
        let quote = SIMD16<Int8>(repeating: 0x22)
        let backslash = SIMD16<Int8>(repeating: 0x5C)
        let space = SIMD16<Int8>(repeating: 0x20)
        let block = block(at: index)
        return (block .< space) .| (block .== quote) .| (block .== backslash)
    }

    /// The end of the escape that begins at `index`, six bytes before the end of the piece or earlier; `index`: it is none.
    @inline(__always) private func endOfEscape(at index: Int) -> Int {
        switch self[index + 1] {
        case 0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74: return index + 2
        case 0x75:
            let isWhole = isHex(index + 2) && isHex(index + 3) && isHex(index + 4) && isHex(index + 5)
            return isWhole ? index + 6 : index
        default: return index
        }
    }

    @inline(__always) private func isHex(_ index: Int) -> Bool {
        ByteClass.isDigit(self[index]) || (self[index] | 0x20) &- 0x61 < 6
    }

    /// Goes past well-formed characters of two to four bytes (RFC 3629: no overlong forms, no surrogates, nothing above
    /// U+10FFFF); what is none, and the last few bytes of the piece, are left.
    private func endOfWideCharacters(from start: Int, to end: Int) -> Int {
        var index = start
        while index <= end - 4 {
            let word = UInt32(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt32.self))
            let (lead, second) = (word & 0xFF, word >> 8 & 0xFF)
            if word & 0x00C0_C0F0 == 0x0080_80E0 {
                if lead == 0xE0 && second < 0xA0 || lead == 0xED && second > 0x9F { return index }
                index += 3
            } else if word & 0x0000_C0E0 == 0x0000_80C0 {
                if lead < 0xC2 { return index }
                index += 2
            } else if word & 0xC0C0_C0F8 == 0x8080_80F0 {
                if lead == 0xF0 && second < 0x90 || lead == 0xF4 && second > 0x8F || lead > 0xF4 { return index }
                index += 4
            } else {
                return index
            }
        }
        return index
    }
}

extension Span where Element == UInt8 {
    /// Index of the first CR or LF from `start` on, `end` if there is none. For callers that have made sure of the bounds.
    func firstLineEnd(from start: Int, to end: Int) -> Int {
        var index = start
        let feed = SIMD16<Int8>(repeating: 0x0A)
        let carriageReturn = SIMD16<Int8>(repeating: 0x0D)
        while index <= end - 16 {
            let block = block(at: index)
            let found = ((block .== feed) .| (block .== carriageReturn)).firstSet
            index += found
            if found < 16 { return index }
        }
        while index < end {
            if self[index] == 0x0A || self[index] == 0x0D { return index }
            index += 1
        }
        return end
    }

    /// Index of the first `"us`, `"ev` or `_ev`, as in the keys `usage`, `eval_count` and `prompt_eval_count`; `end` if there is
    /// none. For callers that have made sure of the bounds.
    func firstCountKey(from start: Int, to end: Int) -> Int {
        let (quote, underscore) = (SIMD16<Int8>(repeating: 0x22), SIMD16<Int8>(repeating: 0x5F))
        let (u, s) = (SIMD16<Int8>(repeating: 0x75), SIMD16<Int8>(repeating: 0x73))
        let (e, v) = (SIMD16<Int8>(repeating: 0x65), SIMD16<Int8>(repeating: 0x76))
        var index = start
        while index <= end - 18 {
            let (first, second, third) = (block(at: index), block(at: index + 1), block(at: index + 2))
            let isQuote = first .== quote
            let usage = isQuote .& (second .== u) .& (third .== s)
            let count = (isQuote .| (first .== underscore)) .& (second .== e) .& (third .== v)
            let found = (usage .| count).firstSet
            if found < 16 { return index + found }
            index += 16
        }
        while index <= end - 3 {
            switch (self[index], self[index + 1], self[index + 2]) {
            case (0x22, 0x75, 0x73), (0x22, 0x65, 0x76), (0x5F, 0x65, 0x76): return index
            default: index += 1
            }
        }
        return end
    }

    /// Index of the first quote, bracket, brace or line end from `start` on, `end` if there is none; it may be early at a
    /// control byte. For callers that have made sure of the bounds.
    func firstStructure(from start: Int, to end: Int) -> Int {
        var index = start
        // Brackets and braces differ in this bit.
        let fold = SIMD16<Int8>(repeating: 0x20)
        let opening = SIMD16<Int8>(repeating: 0x7B)
        let closing = SIMD16<Int8>(repeating: 0x7D)
        let quote = SIMD16<Int8>(repeating: 0x22)
        let feed = SIMD16<Int8>(repeating: 0x0A)
        let carriageReturn = SIMD16<Int8>(repeating: 0x0D)
        while index <= end - 16 {
            let block = block(at: index)
            let folded = block | fold
            let brackets = (folded .== opening) .| (folded .== closing)
            let found = (brackets .| (folded .== quote) .| (block .== feed) .| (block .== carriageReturn)).firstSet
            index += found
            if found < 16 { return index }
        }
        while index < end {
            switch self[index] {
            case 0x22, 0x5B, 0x5D, 0x7B, 0x7D, 0x0A, 0x0D: return index
            default: index += 1
            }
        }
        return end
    }
}
