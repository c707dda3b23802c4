"""The BPF file system: an agent mounts it where it is missing, and the tests take it away again."""

import os

from .places import BPFFS
from .processes import run

# The kernel puts these into every BPF file system.
KERNELS_OWN = {"maps.debug", "progs.debug"}


def is_mounted() -> bool:
    return os.path.ismount(BPFFS)


def mount() -> None:
    """For an agent that could not mount it where others see it."""
    if not is_mounted():
        run(["mount", "-t", "bpf", "bpf", BPFFS])


def unmount_if_empty() -> None:
    """Nobody's pins may be lost: a file system that holds any stays."""
    if is_mounted() and {path.name for path in BPFFS.iterdir()} <= KERNELS_OWN:
        run(["umount", BPFFS], check=False)
