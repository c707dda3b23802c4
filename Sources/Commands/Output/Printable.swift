extension String {
    /// The text with everything that could steer a terminal written out as `\u{1B}`: control characters, and what
    /// reorders or hides text. Names of models and commands come from other people.
    package var printable: String {
        guard unicodeScalars.contains(where: \.isUnprintable) else { return self }
        var safe = ""
        for scalar in unicodeScalars {
            if scalar.isUnprintable {
                safe += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
            } else {
                safe.unicodeScalars.append(scalar)
            }
        }
        return safe
    }
}

extension Unicode.Scalar {
    fileprivate var isUnprintable: Bool {
        switch properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
