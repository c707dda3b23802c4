"""Run as a program: dials on request and passes the connected sockets over the Unix socket it was given."""

import array
import errno
import json
import os
import pwd
import socket
import sys
import time


def _dial(request: dict):
    kind = socket.SOCK_DGRAM if request["kind"] == "udp" else socket.SOCK_STREAM
    connection = socket.socket(request["family"], kind)
    connection.settimeout(request["timeout"])
    answer = {"errno": 0, "peer": None, "local": None}
    began = time.monotonic()
    try:
        connection.connect((request["host"], request["port"]))
        answer["peer"], answer["local"] = connection.getpeername()[:2], connection.getsockname()[:2]
    except TimeoutError:
        answer["errno"] = errno.ETIMEDOUT
    except OSError as error:
        answer["errno"] = error.errno
    answer["seconds"] = time.monotonic() - began
    connection.settimeout(None)
    return answer, connection


def _serve(link: socket.socket) -> None:
    """The process's end: one JSON line in, one JSON message out, with the socket beside it if it is connected."""
    buffer = b""
    while True:
        piece = link.recv(65536)
        if not piece:
            return
        buffer += piece
        while b"\n" in buffer:
            line, buffer = buffer.split(b"\n", 1)
            answer, connection = _dial(json.loads(line))
            rights = []
            if not answer["errno"]:
                rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [connection.fileno()]))]
            link.sendmsg([json.dumps(answer).encode()], rights)
            connection.close()


def _become(user: str) -> None:
    """Only now: another user may not be able to reach the interpreter."""
    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


if __name__ == "__main__":
    if sys.argv[2]:
        _become(sys.argv[2])
    _serve(socket.socket(fileno=int(sys.argv[1])))
