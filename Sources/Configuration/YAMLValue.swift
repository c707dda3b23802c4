/// A piece of a YAML file with the line where it stands: plain text, nothing resolved or converted.
struct YAMLValue {
    indirect enum Content {
        case scalar(String)
        /// Nothing, `~` or `null`, unquoted.
        case null
        case list([YAMLValue])
        case mapping([YAMLEntry])
    }

    var line: Int
    var content: Content
    /// It comes from a custom resource: whoever may write those is not whoever may write files on the node.
    var isForeign = false
}

/// One `key: value` of a mapping; keys are unique in it.
struct YAMLEntry {
    var key: String
    var line: Int
    var value: YAMLValue
}
