/// One step through a YAML text, with what a configuration needs of it.
struct YAMLEvent {
    enum Content {
        /// Text; plain: written without quotes, and not as a block.
        case scalar(String, isPlain: Bool)
        /// The beginning of a list or mapping.
        case list, mapping
        /// The end of the innermost list or mapping.
        case end
        case alias
        case documentStart, documentEnd
        case streamStart, streamEnd
    }

    var content: Content
    /// Where it begins, counted from 1.
    var line: Int
    var hasAnchor = false
    /// As written, `!!` and other handles resolved; empty: none.
    var tag = ""
}

/// Why a text is not the YAML that it should be.
struct YAMLError: Error {
    let fault: ConfigurationFault

    init(line: Int?, _ message: String) { fault = ConfigurationFault(line: line, key: "", message: message) }
}
