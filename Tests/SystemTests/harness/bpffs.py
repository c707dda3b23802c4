"""The BPF file system: an agent mounts it where it is missing, and the tests take it away again."""

import os
import pathlib

from .places import BPFFS
from .processes import run

# The kernel puts these into every BPF file system.
KERNELS_OWN = {"maps.debug", "progs.debug"}
# There as long as the tests have to take it away: a run that was killed leaves it to the next one.
OURS = pathlib.Path("/run/modelbroker-tests-bpffs")


def is_mounted() -> bool:
    return os.path.ismount(BPFFS)


def note() -> None:
    """Remembers that nobody but the tests will have mounted it."""
    if not is_mounted():
        OURS.touch()


def mount() -> None:
    """For an agent that could not mount it where others see it."""
    if not is_mounted():
        run(["mount", "-t", "bpf", "bpf", BPFFS])


def unmount_ours() -> None:
    """Nobody's pins may be lost: a file system that holds any stays."""
    if not OURS.exists():
        return
    OURS.unlink()
    if is_mounted() and {path.name for path in BPFFS.iterdir()} <= KERNELS_OWN:
        run(["umount", BPFFS], check=False)


def mount_at(path: pathlib.Path) -> None:
    """One of a test's own; the test unmounts it, and its pins go with it."""
    run(["mount", "-t", "bpf", "-o", "mode=0700", "bpf", path])
