"""What a broker holds: so that nothing gathers."""

import os
import re
from collections import Counter

from .broker import Broker, resident_kib
from .cgroups import members


LISTENS = "0A"


def descriptors(pid: int) -> Counter:
    """By what they are of: numbers of sockets and pipes, and of files that have been removed, do not tell."""
    kinds = Counter()
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{name}")
        except FileNotFoundError:
            continue
        kinds[re.sub(r":\[\d+\]$", "", target)] += 1
    return kinds


def connections(pid: int) -> int:
    """TCP sockets that do not listen."""
    states = {}
    for name in ("tcp", "tcp6"):
        with open(f"/proc/{pid}/net/{name}") as table:
            states |= {line.split()[9]: line.split()[3] for line in table.readlines()[1:]}
    found = 0
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{name}")
        except FileNotFoundError:
            continue
        if match := re.fullmatch(r"socket:\[(\d+)\]", target):
            found += states.get(match[1], LISTENS) != LISTENS
    return found


def inventory(broker: Broker) -> dict:
    """Of a broker with nothing under way: to be the same again whenever nothing is."""
    pids = {"agent": broker.agent.pid, "proxy": broker.proxy_pid}
    return {
        "descriptors": {name: descriptors(pid) for name, pid in pids.items()},
        "connections": {name: connections(pid) for name, pid in pids.items()},
        "threads": {name: len(os.listdir(f"/proc/{pid}/task")) for name, pid in pids.items()},
        "processes": len(members(broker.broker_cgroup)),
        "cgroups": sorted(str(path.relative_to(broker.cgroup)) for path in broker.cgroup.rglob("*") if path.is_dir()),
        "files": sorted(path.name for path in broker.run_directory.iterdir()),
        "pins": sorted(str(path.relative_to(broker.pin_directory)) for path in broker.pin_directory.rglob("*")),
        # Those that have a number of entries, whatever is in them.
        "entries": {map_["name"]: map_["entries"] for map_ in broker.ask("map", "list") if "entries" in map_},
        "open": {state["name"]: state["open"] for state in broker.ask("map", "dump", "model_state")},
        "flows": len(broker.ask("flow", "list")),
        "inFlight": sum(endpoint.get("inFlight", 0) for endpoint in broker.ask("endpoint", "list")),
    }


def resident(broker: Broker) -> dict[str, int]:
    """KiB."""
    return {"agent": resident_kib(broker.agent.pid), "proxy": resident_kib(broker.proxy_pid)}
