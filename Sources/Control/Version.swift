/// The release that the agent, the proxy and the CLI are built as.
package enum Version {
    package static let current = "0.1.0"
}
