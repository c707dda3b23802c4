"""Case (e): what capture costs a connect(), beside iptables REDIRECT."""

from .cases import program
from .contenders import DIALLED, Contender
from .running import BUILT, NAME, BenchError, Scope, eventually, found_program, run

KINDS = {
    "plain": "plain, no hooks",
    "uncaptured": "hooks attached, no rule for the address",
    "captured": "captured",
    "namespace": "plain, in a network namespace",
    "redirect": "iptables REDIRECT, in a network namespace",
}


def prepare(scope: Scope, upstream: str, captured: Contender | None) -> tuple[dict[str, list[str]], list[str]]:
    """For each kind the command before the count and what comes after it, and what had to be left out."""
    kinds, notes = {"plain": ([], upstream, [])}, []
    if captured:
        kinds["uncaptured"] = [], upstream, [str(captured.cgroup)]
        kinds["captured"] = [], DIALLED, [str(captured.cgroup)]
    try:
        plain, redirected = (_namespace(scope, f"{NAME}-{name}") for name in ("plain", "nat"))
        _redirect(redirected)
        kinds["namespace"] = ["ip", "netns", "exec", plain], "127.0.0.1:9000", []
        kinds["redirect"] = ["ip", "netns", "exec", redirected], DIALLED, []
    except BenchError as error:
        notes.append(f"iptables REDIRECT is left out: {error}")
    return kinds, notes


def _namespace(scope: Scope, name: str) -> str:
    scope.netns(name)
    scope.start(f"upstream-{name}", BUILT / "upstream", "127.0.0.1:9000", netns=name)
    command = ["ip", "netns", "exec", name, BUILT / "connector", "127.0.0.1:9000", 1]
    eventually(lambda: run(*command, check=False).returncode == 0, 10, "the upstream in a network namespace")
    return name


def _redirect(namespace: str) -> None:
    host, _, port = DIALLED.partition(":")
    run("ip", "netns", "exec", namespace, found_program("iptables"), "-t", "nat", "-A", "OUTPUT", "-p", "tcp", "-d", host,
        "--dport", port, "-j", "REDIRECT", "--to-ports", "9000")


def measure(kinds: dict, rounds: int, count: int, say) -> dict[str, list[dict]]:
    """Interleaved; another order in each round, since what runs first finds other caches."""
    samples = {kind: [] for kind in kinds}
    order = list(kinds)
    for number in range(rounds):
        say(f"connect(), round {number + 1} of {rounds}")
        for kind in order[number % len(order):] + order[:number % len(order)]:
            prefix, address, after = kinds[kind]
            samples[kind].append(program([*prefix, str(BUILT / "connector"), address, str(count), *after], 60))
    return samples
