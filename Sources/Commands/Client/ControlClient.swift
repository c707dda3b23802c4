package import Control
internal import ControlCoding

/// The CLI's end of the control socket: one connection for each question.
package struct ControlClient: Sendable {
    private let socket: String
    private let patience: Int
    private let limit: Int

    /// - Parameters:
    ///   - patience: milliseconds from the question to the end of the answer.
    ///   - limit: longest line of an answer in bytes.
    package init(runDirectory: String, patience: Int = 10_000, limit: Int = ControlLine.maximumResponse) {
        socket = "\(runDirectory)/\(ControlLine.socketName)"
        self.patience = patience
        self.limit = limit
    }

    /// Asks once and reads one answer.
    package func ask<Payload: Decodable>(_ request: ControlRequest, for type: Payload.Type) throws(ClientError) -> Payload {
        let deadline = Deadline(afterMilliseconds: patience)
        let stream = try UnixStream(connectingTo: socket, by: deadline)
        return try Self.ask(request, for: type, on: stream, by: deadline, limit: limit)
    }

    /// Asks once, after a preparation.
    ///
    /// - Parameter prepare: called once the agent is there, before it is asked; if it throws, the agent is not asked.
    package func ask<Payload: Decodable, Prepared>(
        _ request: ControlRequest, for type: Payload.Type, prepare: () throws -> Prepared
    ) throws -> (answer: Payload, prepared: Prepared) {
        let deadline = Deadline(afterMilliseconds: patience)
        let stream = try UnixStream(connectingTo: socket, by: deadline)
        let prepared = try prepare()
        return (try Self.ask(request, for: type, on: stream, by: deadline, limit: limit), prepared)
    }

    /// Asks the agent to detach.
    ///
    /// - Parameter prepare: gets the agent's process id before the question is sent, while the process is surely there.
    package func detach(prepare: (Int32) -> Void) throws(ClientError) -> DetachReport {
        let deadline = Deadline(afterMilliseconds: patience)
        let stream = try UnixStream(connectingTo: socket, by: deadline)
        if let process = stream.peerProcess() { prepare(process) }
        return try Self.ask(.detach, for: DetachReport.self, on: stream, by: deadline, limit: limit)
    }

    /// Hands over events as they come, until the agent closes the connection.
    ///
    /// Without `follow` the whole answer has to be there within the client's patience; with it there is no time limit.
    package func events(
        follow: Bool, last: Int, level: EventLevel = .info, _ body: (EventReport) throws -> Void
    ) throws {
        let deadline = Deadline(afterMilliseconds: patience)
        let stream = try UnixStream(connectingTo: socket, by: deadline)
        try stream.send(Self.line(.events(follow: follow, last: last, level: level)), by: deadline)
        var lines = LineAssembler(limit: limit)
        while try stream.receive(into: &lines, by: follow ? nil : deadline) {
            while let line = try lines.next() { try body(Self.payload(EventReport.self, of: line)) }
        }
        guard lines.isEmpty else { throw ClientError.closedEarly }
    }

    private static func ask<Payload: Decodable>(
        _ request: ControlRequest, for type: Payload.Type, on stream: borrowing UnixStream, by deadline: Deadline, limit: Int
    ) throws(ClientError) -> Payload {
        try stream.send(line(request), by: deadline)
        var lines = LineAssembler(limit: limit)
        while try stream.receive(into: &lines, by: deadline) {
            if let line = try lines.next() { return try payload(type, of: line) }
        }
        throw .closedEarly
    }

    private static func line(_ request: ControlRequest) throws(ClientError) -> [UInt8] {
        do { return try ControlLine.encode(request) } catch { throw .malformed(error.description) }
    }

    private static func payload<Payload: Decodable>(_ type: Payload.Type, of line: [UInt8]) throws(ClientError) -> Payload {
        let response: ControlResponse<Payload>
        do {
            response = try ControlLine.decode(ControlResponse<Payload>.self, from: line)
        } catch {
            throw .malformed(error.description)
        }
        switch response {
        case .success(let payload): return payload
        case .failure(let message): throw .refused(message)
        }
    }
}
