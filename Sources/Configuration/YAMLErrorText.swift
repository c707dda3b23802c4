import Yams

/// Puts what the YAML library objects to into our words, with the line.
enum YAMLErrorText {
    static func fault(for error: any Error) -> ConfigurationFault {
        guard let error = error as? YamlError else {
            return ConfigurationFault(line: nil, key: "", message: "the file cannot be read as YAML")
        }
        switch error {
        case .scanner(let context, let problem, let mark, let yaml), .parser(let context, let problem, let mark, let yaml):
            return ConfigurationFault(line: mark.line, key: "", message: message(context, problem, mark, yaml))
        case .composer(_, let problem, let mark, _):
            return ConfigurationFault(line: mark.line, key: "", message: composerMessage(problem))
        case .reader(let problem, let offset, _, let yaml):
            let line = offset.map { 1 + yaml.prefix($0).count(where: \.isNewline) }
            return ConfigurationFault(line: line, key: "", message: "not YAML: \(problem)")
        default:
            return ConfigurationFault(line: nil, key: "", message: "the file cannot be read as YAML")
        }
    }

    private static func message(_ context: YamlError.Context?, _ problem: String, _ mark: Mark, _ yaml: String) -> String {
        if isTab(at: mark, in: yaml) { return "a tab cannot indent YAML; use spaces" }
        guard let context else { return "not YAML: \(problem) (column \(mark.column))" }
        let place = context.mark.line == mark.line ? "" : " that starts on line \(context.mark.line)"
        return "not YAML: \(context.text)\(place), \(problem) (column \(mark.column))"
    }

    private static func composerMessage(_ problem: String) -> String {
        switch problem {
        case "but found another document": "a second YAML document (---) is not allowed; a configuration is one document"
        case "found undefined alias": "YAML anchors and aliases (&name, *name) are not supported; write every value out"
        default: "not YAML: \(problem)"
        }
    }

    private static func isTab(at mark: Mark, in yaml: String) -> Bool {
        let lines = yaml.unicodeScalars.split(separator: "\n", maxSplits: mark.line, omittingEmptySubsequences: false)
        guard lines.indices.contains(mark.line - 1) else { return false }
        let indentation = lines[mark.line - 1].prefix { $0 == " " || $0 == "\t" }
        return indentation.contains("\t")
    }
}
