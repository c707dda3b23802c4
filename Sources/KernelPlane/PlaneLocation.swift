/// Where the kernel plane lives: absolute paths of directories.
package struct PlaneLocation: Hashable, Sendable {
    /// On a BPF file system; holds `maps/NAME` and `links/NAME`.
    package var pinDirectory: String
    /// The cgroup (v2) whose connects are captured.
    package var captureCgroup: String
    /// The broker's own cgroup, in which the proxy's sockets are made.
    package var brokerCgroup: String

    package init(pinDirectory: String, captureCgroup: String, brokerCgroup: String) {
        self.pinDirectory = pinDirectory
        self.captureCgroup = captureCgroup
        self.brokerCgroup = brokerCgroup
    }
}
