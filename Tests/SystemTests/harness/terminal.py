"""A program in a terminal of its own, whose screen can be read and whose keys can be pressed."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios

import pyte

from .processes import STARTED
from .waiting import eventually

KEYS = {"enter": "\r", "escape": "\x1b", "up": "\x1b[A", "down": "\x1b[B", "tab": "\t", "interrupt": "\x03"}


class Terminal:
    def __init__(self, arguments, columns: int = 110, lines: int = 30, environment=None):
        self.screen = pyte.Screen(columns, lines)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.master, slave = pty.openpty()
        self._set_size(columns, lines)
        self.before = termios.tcgetattr(slave)
        environment = {**os.environ, "TERM": "xterm-256color", **(environment or {})}
        self.child = subprocess.Popen(
            [str(argument) for argument in arguments], stdin=slave, stdout=slave, stderr=slave, env=environment,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        STARTED.append(self.child)
        # Kept: the terminal's settings are read from it when the program is gone.
        self.slave = slave

    def _set_size(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def resize(self, columns: int, lines: int) -> None:
        self.read()
        self.screen.resize(lines, columns)
        self._set_size(columns, lines)

    def press(self, *keys: str) -> None:
        for key in keys:
            os.write(self.master, KEYS.get(key, key).encode())

    def read(self) -> None:
        while select.select([self.master], [], [], 0)[0]:
            data = os.read(self.master, 1 << 16)
            if not data:
                return
            self.raw += data
            # pyte knows no alternate screen; the rest it does.
            self.stream.feed(data)

    @property
    def text(self) -> str:
        self.read()
        return "\n".join(line.rstrip() for line in self.screen.display)

    def shows(self, *texts: str, timeout: float = 15) -> str:
        """Waits until all of these are on the screen; the screen."""
        return eventually(
            lambda: all(text in self.text for text in texts) and self.text, timeout,
            lambda: f"{texts} on the screen:\n{self.text}\n", 0.03)

    def lacks(self, *texts: str, timeout: float = 15) -> str:
        return eventually(
            lambda: not any(text in self.text for text in texts) and self.text, timeout,
            lambda: f"no {texts} on the screen:\n{self.text}\n", 0.03)

    def wait(self, timeout: float = 15) -> int:
        """The exit status; what is written meanwhile is read, or nothing would end."""
        eventually(lambda: (self.read(), self.child.poll() is not None)[1], timeout, lambda: f"its end:\n{self.text}", 0.03)
        self.read()
        return self.child.returncode

    @property
    def is_restored(self) -> bool:
        """The settings are those from before, and the screen from before was asked for, with a cursor."""
        self.read()
        end = self.raw[-64:]
        return termios.tcgetattr(self.slave) == self.before and b"\x1b[?1049l" in end and b"\x1b[?25h" in end

    def close(self) -> None:
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait(10)
        os.close(self.master)
        os.close(self.slave)
