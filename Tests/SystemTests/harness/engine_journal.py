"""What engines wrote down that somebody else started and stopped."""

import json
import os
import pathlib


class EngineJournal:
    """A file that the engines of a test append to, whatever becomes of them."""

    def __init__(self, path: pathlib.Path):
        self.path = path
        path.touch()
        path.chmod(0o666)

    def lines(self, **wanted) -> list[dict]:
        """Those that have these values, in their order: event, engine, pid, ns; and of what was served id and model."""
        text = self.path.read_text()
        lines = [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
        return [line for line in lines if all(line.get(key) == value for key, value in wanted.items())]

    def running(self) -> list[int]:
        """Process ids of engines that have started and not ended."""
        return [pid for pid in {line["pid"] for line in self.lines(event="start")} if _is_engine(pid)]


def _is_engine(pid: int) -> bool:
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        return state != "Z" and b"mock-engine" in (pathlib.Path(f"/proc/{pid}/cmdline")).read_bytes()
    except OSError:
        return False


def end(pid: int, number: int) -> None:
    """A signal to an engine, if it is still one."""
    if _is_engine(pid):
        os.kill(pid, number)
