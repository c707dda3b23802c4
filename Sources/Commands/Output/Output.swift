internal import Control
internal import ControlCoding
private import Glibc

/// How a command's result reaches the caller: a table for people, or JSON of the same payload.
package struct Output: Sendable {
    package enum Format: Hashable, Sendable { case table, json, prettyJSON }

    package var format: Format
    /// Of the terminal that standard output is, in characters; nil: it is none.
    package var width: Int?

    package init(format: Format, width: Int? = Terminal.width(of: STDOUT_FILENO)) {
        self.format = format
        self.width = width
    }

    /// Prints `payload` as JSON, or what `table` makes of it.
    package func show<Payload: Encodable>(_ payload: Payload, table: (Payload, Int?) -> String) throws {
        Terminal.write(try text(payload, table: table), to: STDOUT_FILENO)
    }

    /// What `show` prints.
    package func text<Payload: Encodable>(_ payload: Payload, table: (Payload, Int?) -> String) throws -> String {
        switch format {
        case .table: table(payload, width)
        case .json: String(decoding: try ControlLine.json(payload, pretty: false), as: UTF8.self)
        case .prettyJSON: String(decoding: try ControlLine.json(payload, pretty: true), as: UTF8.self)
        }
    }
}
