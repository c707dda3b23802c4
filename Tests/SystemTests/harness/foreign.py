"""A proxy that is not ours: it listens where the broker sends callers, and asks for SO_ORIGINAL_DST."""

import json
import pathlib
import subprocess
import sys

from .processes import STARTED, enter

PROGRAM = str(pathlib.Path(__file__).with_name("foreign_listener.py"))


class ForeignProxy:
    """The test's end of it. It runs in the proxy's cgroup, and its listeners stand in the listeners map."""

    def __init__(self, cgroup: pathlib.Path, listeners: pathlib.Path, listen4: tuple, listen6: tuple):
        arguments = [sys.executable, PROGRAM, str(listeners), json.dumps([listen4, listen6])]
        self.popen = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, preexec_fn=enter(cgroup, None))
        STARTED.append(self.popen)
        assert self.popen.stdout.readline() == "ready\n"

    def close(self):
        self.popen.kill()
        self.popen.wait(30)
        self.popen.stdout.close()
