"""Run as a program: listens where the broker sends callers, and tells each what SO_ORIGINAL_DST says."""

import ctypes
import json
import os
import platform
import selectors
import socket
import struct
import sys

SO_ORIGINAL_DST = 80
BPF_MAP_UPDATE_ELEM, BPF_OBJ_GET = 2, 7
SYS_BPF = {"x86_64": 321, "aarch64": 280}[platform.machine()]


def _bpf(command: int, attributes: bytes) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(attributes, 128)
    result = libc.syscall(SYS_BPF, command, buffer, 128)
    if result < 0:
        raise OSError(ctypes.get_errno(), f"bpf({command})")
    return result


def _register(pin: str, slot: int, listener: socket.socket) -> None:
    """Puts a listener in the sockmap; its values are the kernel's socket pointers, so user space hands in descriptors."""
    path = ctypes.create_string_buffer(pin.encode())
    descriptor = _bpf(BPF_OBJ_GET, struct.pack("=QII", ctypes.addressof(path), 0, 0))
    key = ctypes.create_string_buffer(struct.pack("=I", slot))
    value = ctypes.create_string_buffer(struct.pack("=Q", listener.fileno()))
    attributes = struct.pack("=IIQQQ", descriptor, 0, ctypes.addressof(key), ctypes.addressof(value), 0)
    _bpf(BPF_MAP_UPDATE_ELEM, attributes)
    os.close(descriptor)


def _original(connection: socket.socket) -> tuple:
    if connection.family == socket.AF_INET:
        raw = connection.getsockopt(socket.SOL_IP, SO_ORIGINAL_DST, 16)
        port, address = struct.unpack_from("!2xH4s", raw)
        return socket.inet_ntop(socket.AF_INET, address), port
    raw = connection.getsockopt(socket.IPPROTO_IPV6, SO_ORIGINAL_DST, 28)
    port, address = struct.unpack_from("!2xHI16s", raw)[0], raw[8:24]
    return socket.inet_ntop(socket.AF_INET6, address), port


def _serve(pin: str, addresses: list) -> None:
    selector = selectors.DefaultSelector()
    for slot, (host, port) in enumerate(addresses):
        listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        _register(pin, slot, listener)
        selector.register(listener, selectors.EVENT_READ)
    print("ready", flush=True)
    while True:
        for key, _ in selector.select():
            connection, _ = key.fileobj.accept()
            try:
                answer = {"original": _original(connection)}
            except OSError as error:
                answer = {"original": [], "error": str(error)}
            with connection:
                connection.sendall(json.dumps(answer).encode() + b"\n")


if __name__ == "__main__":
    _serve(sys.argv[1], json.loads(sys.argv[2]))
