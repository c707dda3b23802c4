/// What is asked of a regular expression before the C library sees it: that it can be matched in a time that grows with the
/// text alone, and compiled in little memory.
enum PatternCheck {
    static let lengthLimit = 1_024
    /// Characters that it may have when all repetitions are written out.
    static let sizeLimit = 1_024

    /// Continues a sentence that begins with the pattern; nil: nothing is wrong.
    static func fault(of pattern: String) -> String? {
        let bytes = Array(pattern.utf8)
        if bytes.isEmpty { return "is empty and would match everything" }
        if bytes.count > lengthLimit { return "is longer than \(lengthLimit) bytes" }
        if bytes.contains(0) { return "has a NUL character" }
        if hasBackReference(bytes) { return "has a back-reference; matching it could take for ever" }
        let plain = withoutBrackets(bytes)
        if hasStrayParenthesis(plain) { return "has a closing parenthesis without its opening one; write \\) or [)]" }
        return size(plain) > sizeLimit ? "repeats so much that it would be longer than \(sizeLimit) characters" : nil
    }

    /// A backslash and a digit. In brackets, where a backslash is nothing special, that is refused as well; that they are
    /// not told apart hides no other one, since a bracket ends with one that would be taken for escaped at most.
    private static func hasBackReference(_ bytes: [UInt8]) -> Bool {
        var index = 0
        while index + 1 < bytes.count {
            guard bytes[index] == 0x5C else {
                index += 1
                continue
            }
            if (0x31...0x39).contains(bytes[index + 1]) { return true }
            index += 2
        }
        return false
    }

    /// The expression with a character in the place of each bracket expression. One that does not end is the C library's to
    /// refuse.
    private static func withoutBrackets(_ bytes: [UInt8]) -> [UInt8] {
        var plain: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == 0x5B {
                index = endOfBracket(bytes, index)
                plain.append(0x78)
                continue
            }
            let length = bytes[index] == 0x5C ? min(2, bytes.count - index) : 1
            plain += bytes[index..<index + length]
            index += length
        }
        return plain
    }

    /// Behind the bracket expression that begins at `start` (POSIX.1, 9.3.5): a bracket that comes first is meant itself, as
    /// is a backslash, and classes as `[:alpha:]` have brackets of their own.
    private static func endOfBracket(_ bytes: [UInt8], _ start: Int) -> Int {
        var index = start + 1
        if index < bytes.count, bytes[index] == 0x5E { index += 1 }
        if index < bytes.count, bytes[index] == 0x5D { index += 1 }
        while index < bytes.count, bytes[index] != 0x5D {
            let isClass = bytes[index] == 0x5B && index + 1 < bytes.count && [0x3A, 0x2E, 0x3D].contains(bytes[index + 1])
            guard isClass else {
                index += 1
                continue
            }
            let kind = bytes[index + 1]
            index += 2
            while index + 1 < bytes.count, bytes[index] != kind || bytes[index + 1] != 0x5D { index += 1 }
            index += 2
        }
        return min(bytes.count, index + 1)
    }

    /// The C library takes one for a character, but what it is put into here has others.
    private static func hasStrayParenthesis(_ bytes: [UInt8]) -> Bool {
        var (depth, index) = (0, 0)
        while index < bytes.count {
            switch bytes[index] {
            case 0x28: depth += 1
            case 0x29: depth -= 1
            case 0x5C: index += 1
            default: break
            }
            if depth < 0 { return true }
            index += 1
        }
        return false
    }

    /// How long the expression is with its repetitions written out, as glibc does: `x{2,5}` five times, `x+` twice.
    private static func size(_ bytes: [UInt8]) -> Int {
        var groups = [0]
        var last = 0
        var index = 0
        while index < bytes.count {
            var (step, grown) = (1, 1)
            switch bytes[index] {
            case 0x28:
                groups.append(0)
                (last, grown) = (0, 0)
            case 0x29:
                last = groups.count > 1 ? groups.removeLast() : 1
                grown = last
            case 0x2B:
                grown = last
                last *= 2
            case 0x7B:
                let (times, length) = repetitions(bytes[index...])
                grown = last * max(0, times - 1)
                last *= max(1, times)
                step = length
            case 0x5C:
                (last, step) = (1, 2)
            default: last = 1
            }
            groups[groups.count - 1] += grown
            guard groups[groups.count - 1] <= sizeLimit, last <= sizeLimit else { return .max }
            index += step
        }
        return groups.reduce(0, +)
    }

    /// The larger number of `{m,n}`, and its bytes.
    private static func repetitions(_ bytes: ArraySlice<UInt8>) -> (times: Int, length: Int) {
        var (largest, number, length) = (1, 0, 0)
        for byte in bytes {
            length += 1
            if byte == 0x7D { return (largest, length) }
            number = (0x30...0x39).contains(byte) ? min(100_000, number * 10 + Int(byte - 0x30)) : 0
            largest = max(largest, number)
        }
        return (1, 1)
    }
}
