import Testing

/// Tests with the real programs, real sockets and a real cgroup. One after another: each starts several processes.
@Suite(.serialized, .onThisKernel) struct KernelSuite {}
