/// Who logged in to the session that this process belongs to.
enum LoginUser {
    /// As the kernel's audit keeps it across su and sudo; nil: nobody logged in, or this kernel does not tell.
    static func current() -> UInt32? {
        guard let text = try? TextFile.read("/proc/self/loginuid"), let uid = UInt32(text.prefix { $0 != "\n" }), uid != .max
        else {
            return nil
        }
        return uid
    }
}
