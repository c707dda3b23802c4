import Glibc
import QueueSimulation

// queue-sim [SEED]: scenarios over the scheduler of the proxy, without sockets; fails if one does not hold.

let seed = CommandLine.arguments.count > 1 ? UInt64(CommandLine.arguments[1]) ?? 1 : 1
var failed = 0
for scenario in Scenario.all {
    let report = scenario.run(seed: seed)
    print(report.text)
    failed += report.holds ? 0 : 1
}
let search = LimitScenario.run(seed: seed)
print(search.text)
failed += search.holds ? 0 : 1
exit(failed > 0 ? 1 : 0)
