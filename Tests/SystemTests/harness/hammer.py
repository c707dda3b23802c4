"""Run as a program: connects and closes at a rate for some seconds, then prints what came of each connect()."""

import errno
import json
import os
import socket
import sys
import time


def hammer(host: str, port: int, rate: float, seconds: float, least: int) -> list:
    """For so long, and until there were so many."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    outcomes = []
    began = time.monotonic()
    while (now := time.monotonic()) < began + seconds or len(outcomes) < least:
        due = began + len(outcomes) / rate
        if due > now:
            time.sleep(due - now)
        with socket.socket(family) as connection:
            code = connection.connect_ex((host, port))
        outcomes.append([time.monotonic(), errno.errorcode[code] if code else "ok"])
    return outcomes


if __name__ == "__main__":
    json.dump({"pid": os.getpid(), "outcomes": hammer(**json.loads(sys.argv[1]))}, sys.stdout)
