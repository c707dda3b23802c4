"""A pinned BPF map, filled by hand."""

import ctypes
import os
import pathlib
import platform
import struct

_OBJ_GET, _UPDATE, _DELETE, _INFO = 7, 2, 3, 15
_NUMBER = {"x86_64": 321, "aarch64": 280}[platform.machine()]
_libc = ctypes.CDLL(None, use_errno=True)


def _bpf(command: int, attributes: bytes) -> int:
    buffer = ctypes.create_string_buffer(attributes.ljust(128, b"\0"))
    return _libc.syscall(_NUMBER, command, buffer, 128)


class PinnedMap:
    """A hash map by its pin. Close it: a descriptor keeps the map."""

    def __init__(self, path: pathlib.Path):
        name = ctypes.create_string_buffer(os.fsencode(path))
        self.fd = _bpf(_OBJ_GET, struct.pack("=QII", ctypes.addressof(name), 0, 0))
        if self.fd < 0:
            raise OSError(ctypes.get_errno(), f"open {path}")
        info = ctypes.create_string_buffer(80)
        _bpf(_INFO, struct.pack("=IIQ", self.fd, len(info), ctypes.addressof(info)))
        _, _, self.key_size, self.value_size, self.max_entries = struct.unpack_from("=IIIII", info)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)

    def fill(self) -> list[bytes]:
        """Adds entries that nobody asked for until no more go in; returns their keys."""
        value, added = ctypes.create_string_buffer(self.value_size), []
        for number in range(self.max_entries):
            key = struct.pack("=Q", number ^ 0xFFFF_FFFF_0000_0000)[:self.key_size].rjust(self.key_size, b"\xfe")
            held = ctypes.create_string_buffer(key, self.key_size)
            attributes = struct.pack("=IIQQQ", self.fd, 0, ctypes.addressof(held), ctypes.addressof(value), 0)
            if _bpf(_UPDATE, attributes) != 0:
                break
            added.append(key)
        return added

    def drop(self, keys: list[bytes]) -> None:
        for key in keys:
            held = ctypes.create_string_buffer(key, self.key_size)
            _bpf(_DELETE, struct.pack("=IIQ", self.fd, 0, ctypes.addressof(held)))
