/// Why a value was not accepted. Neither text may repeat the value: it may have come from a secret reference.
struct Refusal: Error {
    /// Continues a sentence that begins with the value: `has host bits set`.
    let reason: String
    /// The value put right; shown only when the value itself may be shown.
    let correction: String?

    init(_ reason: String, write correction: String? = nil) {
        self.reason = reason
        self.correction = correction
    }
}

/// Text of a file made fit for a message: quoted, on one line, not too long, without control characters.
func quoted(_ text: String) -> String { "\"\(printable(text))\"" }

/// As `quoted`, without the quotes.
func printable(_ text: String, limit: Int = 80) -> String {
    var result = ""
    for (count, scalar) in text.unicodeScalars.enumerated() {
        if count == limit { return result + "…" }
        if scalar.isUnprintable {
            result += "\\u{\(String(scalar.value, radix: 16))}"
        } else {
            result.unicodeScalars.append(scalar)
        }
    }
    return result
}

extension Unicode.Scalar {
    /// C0, DEL and C1 control characters.
    var isControl: Bool { properties.generalCategory == .control }

    /// What could garble a terminal or break a line: controls, separators, direction marks.
    var isUnprintable: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned: true
        default: false
        }
    }
}
