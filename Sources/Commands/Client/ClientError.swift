/// Why the agent did not answer.
package enum ClientError: Error, Hashable, CustomStringConvertible {
    /// Nobody listens on the control socket.
    case notRunning(socket: String)
    case notPermitted(socket: String)
    case timedOut
    case closedEarly
    case lineTooLong(limit: Int)
    case malformed(String)
    /// The agent said no, in its own words.
    case refused(String)
    case system(operation: String, code: Int32)

    package var description: String {
        switch self {
        case .notRunning(let socket):
            """
            the agent is not running (nobody listens on \(socket)); \
            start it with: modelbrokerd --config /etc/modelbroker/modelbroker.yaml
            """
        case .notPermitted(let socket): "not permitted to talk to the agent on \(socket); run this as root"
        case .timedOut: "the agent did not answer in time"
        case .closedEarly: "the agent closed the connection before it had answered"
        case .lineTooLong(let limit): "the agent's answer is longer than \(limit) bytes"
        case .malformed(let reason): "the agent's answer cannot be read: \(reason)"
        case .refused(let message): message.printable
        case .system(let operation, let code): "\(operation): \(errorText(code))"
        }
    }
}
