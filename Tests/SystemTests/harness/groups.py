"""Clients of service groups, each known by a key of its own."""

import pathlib

from .credentials import Key, new_key


class Clients:
    """A client for each group; that of the default one is called `plain`. `section` is the configuration's `clients`."""

    def __init__(self, directory: pathlib.Path, *groups: str):
        self.keys: dict[str, Key] = {group: new_key(directory, group) for group in groups}
        self.section = {}
        for group, key in self.keys.items():
            client = {"keys": [key.reference]}
            if group == "default":
                self.section["plain"] = client
            else:
                self.section[group] = client | {"group": group}

    def fields(self, group: str, **more) -> dict:
        """Of a request; `x_modelbroker_delivery="batch"` is a field, too."""
        return self.keys[group].bearer | {name.replace("_", "-"): value for name, value in more.items()}
