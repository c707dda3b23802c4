"""Programs of another version, and proxies that do not start as they should."""

import os
import pathlib
import re
import subprocess

from .places import binary

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
