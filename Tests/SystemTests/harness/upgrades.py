"""Programs of another version, and proxies that do not start as they should."""

import json
import os
import pathlib
import re
import subprocess
import sys

from .places import binary
from .processes import STARTED, enter

#: What a version is turned into; it has as many characters.
OLDER = "0.0.0"


def version() -> str:
    return subprocess.run([binary("modelbroker"), "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]


def older_programs(directory: pathlib.Path) -> pathlib.Path:
    """Agent and proxy that differ from those built in nothing but the version that they say they are."""
    current = version()
    assert re.fullmatch(r"\d\.\d\.\d", current) and current != OLDER, current
    for name in ("modelbrokerd", "modelbroker-proxy"):
        # Optimized, so short a text stands in the code itself, as eight bytes with zeros behind it; else among the constants.
        code = pathlib.Path(binary(name)).read_bytes()
        changed = code
        for before, behind in ((b"", bytes(3)), (bytes(1), bytes(1))):
            changed = changed.replace(before + current.encode() + behind, before + OLDER.encode() + behind)
        assert changed != code, f"{name} does not have its version where it is looked for"
        program = directory / name
        program.write_bytes(changed)
        program.chmod(0o755)
    return directory


class FickleProxy:
    """The proxy's program behind a script that does something else as long as it is told to."""

    def __init__(self, directory: pathlib.Path):
        self.directory = directory
        directory.chmod(0o755)
        self.program = directory / "fickle-proxy"
        self.program.write_text(
            "#!/bin/sh\n"
            f"[ -e {directory}/crash ] && exit 3\n"
            f"[ -e {directory}/hang ] && exec sleep 1000\n"
            f'exec {binary("modelbroker-proxy")} "$@"\n')
        self.program.chmod(0o755)

    def will(self, what: str | None) -> None:
        """`crash`, `hang`, or None: start."""
        for name in ("crash", "hang"):
            path = self.directory / name
            if name == what:
                path.touch()
            elif path.exists():
                os.unlink(path)


class Endless:
    """endless.py while it is entered: streams and requests of a process in a captured cgroup, and what came of them."""

    PROGRAM = str(pathlib.Path(__file__).with_name("endless.py"))

    def __init__(self, cgroup: pathlib.Path, **what):
        self.popen = subprocess.Popen(
            [sys.executable, self.PROGRAM, json.dumps(what)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            preexec_fn=enter(cgroup, None))
        STARTED.append(self.popen)
        #: From here on what `finish` has heard, as endless.py's `report` says it.
        self.counts: dict[str, int] = {}
        self.answered = self.failed = self.least = 0
        self.seconds = self.slowest = self.p99 = 0.0
        self.failures: list[list] = []
        #: Of each stream the SHA-256 of what came, its bytes, and whether it had its end.
        self.streams: list[list] = []

    def __enter__(self) -> "Endless":
        return self

    def __exit__(self, *_):
        if self.running:
            self.popen.kill()
        self.popen.wait(30)
        for stream in (self.popen.stdin, self.popen.stdout):
            stream.close()

    def wait(self) -> None:
        """Returns once all streams are open."""
        assert self.popen.stdout.readline() == "begun\n", f"it ended with {self.popen.wait(10)}"

    @property
    def running(self) -> bool:
        return self.popen.poll() is None

    def finish(self, timeout: float) -> None:
        """No more are begun; waits for those that are under way."""
        text, _ = self.popen.communicate(timeout=timeout)
        assert self.popen.returncode == 0, f"it ended with {self.popen.returncode}; why, is on standard error"
        vars(self).update(json.loads(text))

    @property
    def dials(self) -> int:
        """Connections that the capture should have seen."""
        return sum(self.counts.get(f"{kind}-connects", 0) for kind in ("fresh", "kept", "captured"))
