internal import BPF

extension KernelPlaneError {
    init(_ error: BPFError, hint: String = "") {
        self.init(
            operation: error.operation, object: error.object, errno: error.errno, hint: hint, log: error.log.lines,
            logLinesOmitted: error.log.omitted)
    }
}

/// Runs something of BPF's with its error turned into ours.
@discardableResult
func inPlane<Result: ~Copyable>(_ body: () throws(BPFError) -> Result) throws(KernelPlaneError) -> Result {
    do {
        return try body()
    } catch {
        throw KernelPlaneError(error)
    }
}
