import CLinux
import Catalog
import Control
import Glibc
import Reactor

/// The proxy as a process: event loops on threads of their own, and the link to the agent on the first thread.
package enum ProxyProcess {
    /// Runs until the agent, or SIGTERM, stops it. `arguments` are those of the command line, without its name.
    package static func run(_ arguments: [String]) -> Never {
        guard let runDirectory = runDirectory(arguments) else {
            say("usage: modelbroker-proxy --run-dir DIR")
            exit(2)
        }
        let result = clinux_keep_memory_private()
        if result != 0 { say("cannot keep the memory private: \(String(cString: strerror(-result)))") }
        signal(SIGPIPE, SIG_IGN)
        ProcessFacts.begin()
        do throws(SystemError) {
            let outbox = try Outbox()
            let stop = try StopSignal()
            let link = try LinkLoop(runDirectory: runDirectory, outbox: outbox, stop: stop)
            link.run()
        } catch {
            say("cannot start: \(error)")
            exit(1)
        }
    }

    private static func runDirectory(_ arguments: [String]) -> String? {
        guard arguments.count == 2, arguments[0] == "--run-dir", !arguments[1].isEmpty else { return nil }
        return arguments[1]
    }

    static func say(_ text: String) {
        let line = Array("\(text)\n".utf8)
        _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}

/// SIGTERM and SIGINT as a descriptor: blocked in every thread, read by the first.
struct StopSignal: ~Copyable {
    let descriptor: Descriptor

    init() throws(SystemError) {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGTERM)
        sigaddset(&set, SIGINT)
        pthread_sigmask(SIG_BLOCK, &set, nil)
        let number = clinux_signalfd(&set)
        guard number >= 0 else { throw SystemError("signalfd", -number) }
        descriptor = Descriptor(owning: number)
    }
}
