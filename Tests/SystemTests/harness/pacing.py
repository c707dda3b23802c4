"""Run as a program: one end of an HTTP exchange whose body is offered at an exact pace, or counted as it arrives.

{"listen": HOST} or {"dial": [HOST, PORT], "model": NAME}; with "pace": BYTES_PER_SECOND it sends a body that does not end, a
request's or an answer's, and without it reads one. Each line of standard input is answered by the time and the bytes
offered or arrived by then. An open loop: what the connection did not take in time is sent as soon as it does.
"""

import json
import select
import socket
import sys
import time

from http1 import chat, request_bytes

PIECE = b"x" * (4 << 20)
ENDLESS = 1 << 30
TICK = 0.001
TYPE = "application/json"


def listen(host: str) -> socket.socket:
    """The first connection on which a request comes, its head and what of the body came along taken off."""
    with socket.create_server((host, 0)) as listener:
        print(f"listening on {host}:{listener.getsockname()[1]}", flush=True)
        connection, _ = listener.accept()
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(65536)
    return connection


def dial(where: list, model: str, sends: bool) -> socket.socket:
    connection = socket.create_connection(where, 10)
    if sends:
        # The model comes first, and the prompt has no end.
        connection.sendall(request_bytes("POST", "/v1/chat/completions", fields={
            "Content-Type": TYPE, "Content-Length": ENDLESS}) + json.dumps(chat(model, "")).encode().removesuffix(b'"}]}'))
    else:
        connection.sendall(request_bytes("POST", "/v1/chat/completions", chat(model)))
    return connection


class End:
    def __init__(self, connection: socket.socket, pace: float | None):
        self.connection, self.pace = connection, pace
        connection.setblocking(False)
        self.buffer = bytearray(len(PIECE))
        self.began, self.moved = time.monotonic(), 0

    def due(self) -> float:
        return (time.monotonic() - self.began) * self.pace

    def move(self) -> None:
        """Once a tick: sends what is due, or reads what is there."""
        try:
            if self.pace is not None:
                self.moved += self.connection.send(PIECE[:int(self.due()) - self.moved])
            elif count := self.connection.recv_into(self.buffer):
                self.moved += count
            else:
                raise SystemExit(f"the flow has ended after {self.moved} bytes")
        except BlockingIOError:
            pass
        except OSError as error:
            raise SystemExit(f"the flow has ended after {self.moved} bytes: {error}") from None

    def run(self) -> None:
        while True:
            if select.select([sys.stdin], [], [], TICK)[0]:
                if not sys.stdin.readline():
                    return
                self.move()
                amount = self.moved if self.pace is None else self.due()
                print(json.dumps([time.monotonic(), amount]), flush=True)
            self.move()


def main(pace: float | None = None, model: str = "", **where) -> None:
    if "dial" in where:
        connection = dial(where["dial"], model, pace is not None)
    else:
        connection = listen(where["listen"])
        if pace is not None:
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n\r\n" % ENDLESS)
    End(connection, pace).run()


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
