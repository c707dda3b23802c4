internal import Control

/// Where the answers to control requests come from.
struct ControlAnswers: Sendable {
    let broker: Broker
    let hub: EventHub
    /// Ends the agent, once the broker has been taken out of the node.
    let leave: @Sendable () -> Void
}
