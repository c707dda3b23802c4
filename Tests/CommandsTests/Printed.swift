import ControlCoding

/// The words of each line that was printed, whatever stands between them.
func words(_ text: String) -> [String] {
    text.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
}

/// What goes over the control socket, without the line's end.
func json(_ value: some Encodable) throws -> String {
    String(decoding: try ControlLine.encode(value).dropLast(), as: UTF8.self)
}

/// Whether the control socket carries it unchanged.
func same<Value: Codable & Equatable>(_ value: Value) throws -> Bool {
    try ControlLine.decode(Value.self, from: try ControlLine.encode(value)) == value
}
