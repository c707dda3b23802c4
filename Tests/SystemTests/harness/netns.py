"""Network namespaces: a node of its own for the broker, and pods joined to it by veth."""

import itertools

from .places import RUN
from .processes import run

_numbers = itertools.count(1)


class Namespace:
    """A named network namespace with its loopback up."""

    def __init__(self):
        self.name = f"{RUN}-{next(_numbers)}"
        run(["ip", "netns", "add", self.name])
        self.ip("link", "set", "lo", "up")

    def ip(self, *arguments: str):
        return run(["ip", "-n", self.name, *arguments])

    def addresses(self, device: str) -> str:
        return self.ip("-o", "address", "show", "dev", device).stdout

    def remove(self):
        run(["ip", "netns", "delete", self.name], check=False)


def join(node: Namespace, pod: Namespace, index: int = 1) -> None:
    """A veth pair between the two: 10.77.INDEX.1 and fd77:INDEX::1 at the node, .2 and ::2 in the pod, default routes."""
    host, peer = f"mbv{index}", "eth0"
    node.ip("link", "add", host, "type", "veth", "peer", "name", peer, "netns", pod.name)
    for namespace, device, last in ((node, host, 1), (pod, peer, 2)):
        namespace.ip("address", "add", f"10.77.{index}.{last}/24", "dev", device)
        namespace.ip("address", "add", f"fd77:{index}::{last}/64", "dev", device, "nodad")
        namespace.ip("link", "set", device, "up")
    pod.ip("route", "add", "default", "via", f"10.77.{index}.1")
    pod.ip("-6", "route", "add", "default", "via", f"fd77:{index}::1")
