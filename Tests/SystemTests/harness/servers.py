"""Plain servers that record what reaches them: the addresses that callers dial themselves."""

import socket
import threading


class Server:
    """Accepts connections and runs `behaviour(connection, peer)` for each in a thread of its own."""

    def __init__(self, behaviour, host: str = "127.0.0.1", port: int = 0):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.create_server((host, port), family=family, backlog=4096)
        self.host, self.port = self.listener.getsockname()[:2]
        self.peers: list = []
        self.received: list[bytearray] = []
        self.failures: list = []
        self._behaviour = behaviour
        self._open: set = set()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self):
        while True:
            try:
                connection, peer = self.listener.accept()
            except OSError:
                return
            self.peers.append(peer[:2])
            record = bytearray()
            self.received.append(record)
            self._open.add(connection)
            threading.Thread(target=self._run, args=(connection, record), daemon=True).start()

    def _run(self, connection, record):
        connection.settimeout(15)
        try:
            self._behaviour(connection, record)
        except (OSError, ValueError) as error:
            self.failures.append(error)
        finally:
            self._open.discard(connection)
            connection.close()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def recorded(connection, record, size: int = 65536) -> bytes:
    """One read, kept in the record."""
    data = connection.recv(size)
    record += data
    return data


def echo(connection, record):
    """Sends back what it gets, until the end of the stream."""
    while data := recorded(connection, record):
        connection.sendall(data)


def answering(answer: bytes, requests: int = 1_000):
    """Answers each request head (with a body that came along) by the same bytes."""

    def behaviour(connection, record):
        for _ in range(requests):
            start = len(record)
            while b"\r\n\r\n" not in record[start:]:
                if not recorded(connection, record):
                    return
            connection.sendall(answer)

    return behaviour
