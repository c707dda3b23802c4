"""A name server for one name, and an agent that asks it."""

import contextlib
import socket
import struct
import threading


class NameServer:
    """Answers questions for A records of `name` with what `addresses` holds, for `ttl` seconds, on port 53 of an address."""

    def __init__(self, host: str, name: str, addresses: list[str], ttl: int):
        self.name, self.addresses, self.ttl, self.asked = name, addresses, ttl, 0
        #: While it is false questions are taken and nothing is said.
        self.answers = True
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, 53))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while True:
            try:
                question, peer = self.socket.recvfrom(1500)
            except OSError:
                return
            if not question:
                return
            end = question.index(b"\0", 12) + 5
            labels, position = [], 12
            while question[position]:
                labels.append(question[position + 1:position + 1 + question[position]].decode())
                position += 1 + question[position]
            kind = struct.unpack("!H", question[end - 4:end - 2])[0]
            known = ".".join(labels) == self.name
            found = self.addresses if known and kind == 1 else []
            self.asked += bool(found)
            flags = 0x8180 if known else 0x8183
            head = question[:2] + struct.pack("!HHHHH", flags, 1, len(found), 0, 0)
            records = b"".join(struct.pack("!HHHIH", 0xC00C, 1, 1, self.ttl, 4) + socket.inet_aton(ip) for ip in found)
            if not self.answers:
                continue
            self.socket.sendto(head + question[12:end] + records, peer)

    def close(self):
        # Of a socket that is not connected this only wakes the thread, which holds the port as long as it waits.
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self.socket.close()
