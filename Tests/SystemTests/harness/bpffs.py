"""The BPF file system: where it is missing the tests mount it, and the last run that needs it takes it away again."""

import contextlib
import ctypes
import fcntl
import os
import pathlib

from .places import BPFFS, RUN
from .processes import run

# The kernel puts these into every BPF file system.
KERNELS_OWN = {"maps.debug", "progs.debug"}
NOTES = pathlib.Path("/run/modelbroker-tests-bpffs.d")
_libc = ctypes.CDLL(None, use_errno=True)


class Shared:
    """A mount point that several runs use at once. The mount bears the tests' name, and each run that needs it holds a note of its own
    locked: one that was killed counts no more, and what it has left the next one takes over."""

    #: What the mount table says that is mounted.
    SOURCE = "modelbroker-tests"

    def __init__(self, mount: pathlib.Path = BPFFS, notes: pathlib.Path = NOTES):
        self.mount, self.notes = mount, notes
        self._note = None

    def claim(self) -> None:
        """It is mounted from now on. Where nobody has, here and now: agents that start side by side would put theirs above each
        other's."""
        with self._alone():
            self._note = open(self.notes / RUN, "w")
            fcntl.flock(self._note, fcntl.LOCK_EX)
            if not os.path.ismount(self.mount):
                mount_at(self.mount, self.SOURCE)

    def release(self) -> None:
        """The last run unmounts, unless it was somebody else who has mounted. Nobody's pins may be lost: a file system that holds any
        stays, and a later run takes it away."""
        with self._alone():
            self._note.close()
            for note in list(self.notes.iterdir()):
                if _is_free(note):
                    note.unlink()
            if not list(self.notes.iterdir()) and self._is_ours() and {path.name for path in self.mount.iterdir()} <= KERNELS_OWN:
                # At once after the look: no program may pin anything between the two. It stays where it is busy.
                _libc.umount2(os.fsencode(self.mount), 0)

    def _is_ours(self) -> bool:
        lines = [line.partition(" - ") for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()]
        sources = [tail.split()[1] for head, _, tail in lines if head.split()[4] == str(self.mount)]
        return sources[-1:] == [self.SOURCE]

    @contextlib.contextmanager
    def _alone(self):
        """One run at a time. The directory goes with the last note, so a lock may be one of a directory that is no more."""
        while True:
            self.notes.mkdir(exist_ok=True)
            with contextlib.suppress(FileNotFoundError):
                directory = os.open(self.notes, os.O_RDONLY | os.O_DIRECTORY)
                fcntl.flock(directory, fcntl.LOCK_EX)
                with contextlib.suppress(FileNotFoundError):
                    if os.path.samestat(os.fstat(directory), os.stat(self.notes)):
                        break
                os.close(directory)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                self.notes.rmdir()
            os.close(directory)


def _is_free(note: pathlib.Path) -> bool:
    with open(note) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


SYSTEM = Shared()


def mount_at(path: pathlib.Path, source: str = "bpf") -> None:
    """One of a test's own; the test unmounts it, and its pins go with it."""
    run(["mount", "-t", "bpf", "-o", "mode=0700", source, path])
