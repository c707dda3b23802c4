"""The wall clock of a broker: agent and proxy have one of their own, which a test may set as it likes. The machine's stays as it is."""

import mmap
import os
import pathlib
import struct
import time

from .places import binary
from .processes import run

SOURCE = pathlib.Path(__file__).with_name("wall_clock.c")


class WallClock:
    """Right until it is set."""

    def __init__(self, directory: pathlib.Path):
        library, file = directory / "wall_clock.so", directory / "wall_clock"
        run([os.environ.get("CC", "cc"), "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"])
        file.write_bytes(bytes(8))
        with open(file, "r+b") as opened:
            self._shared = mmap.mmap(opened.fileno(), 8)
        #: For whoever is to have it.
        self.environment = {"LD_PRELOAD": str(library), "WALL_CLOCK_FILE": str(file)}
        #: The agent passes nothing of its own environment on to the proxy.
        self.proxy_program = directory / "proxy-with-a-clock"
        self.proxy_program.write_text(
            "#!/bin/sh\n" + "".join(f"export {name}={value}\n" for name, value in self.environment.items())
            + f'exec {binary("modelbroker-proxy")} "$@"\n')
        self.proxy_program.chmod(0o755)

    def give(self, broker) -> None:
        """To a broker that has yet to start."""
        broker.environment |= self.environment
        broker.proxy_program = self.proxy_program

    @property
    def ahead(self) -> float:
        """Seconds by which it differs from the machine's."""
        return struct.unpack("<q", self._shared[:])[0] / 1e9

    @ahead.setter
    def ahead(self, seconds: float):
        self._shared[:] = struct.pack("<q", int(seconds * 1e9))

    @property
    def now(self) -> float:
        """Seconds since 1970 by it."""
        return time.time() + self.ahead
