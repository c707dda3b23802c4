"""Run as a program: an engine whose answers do not end. Prints its port, and sends as fast as it is read."""

import socket
import sys
import threading

PIECE = bytes(256 << 10)
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: %d\r\n\r\n" % (1 << 50)


def serve(connection: socket.socket) -> None:
    with connection:
        try:
            request = b""
            while b"\r\n\r\n" not in request:
                piece = connection.recv(65536)
                if not piece:
                    return
                request += piece
            connection.sendall(HEAD)
            while True:
                connection.sendall(PIECE)
        except OSError:
            return


if __name__ == "__main__":
    listener = socket.create_server((sys.argv[1], 0), backlog=128)
    print(f"listening on {sys.argv[1]}:{listener.getsockname()[1]}", flush=True)
    while True:
        accepted, _ = listener.accept()
        threading.Thread(target=serve, args=(accepted,), daemon=True).start()
