"""What programs need of the system they were linked on: the libraries and the loader that `ldd` names."""

import pathlib
import re
import subprocess

_LINE = re.compile(r"^\s*(?:(?P<name>\S+) => )?(?P<path>/\S+) \(0x[0-9a-f]+\)$")
_MISSING = re.compile(r"^\s*(?P<name>\S+) => not found")


def parse(ldd: str) -> list[pathlib.Path]:
    """Paths as the loader knows them. LookupError for a library that is not there; the kernel's vDSO has no path."""
    found = []
    for line in ldd.splitlines():
        if missing := _MISSING.match(line):
            raise LookupError(f"the library {missing['name']} is not on this machine")
        if match := _LINE.match(line):
            found.append(pathlib.Path(match["path"]))
    return found


def needed(programs: list[pathlib.Path]) -> list[pathlib.Path]:
    """Of all these programs together, sorted; none for a static one."""
    found = set()
    for program in programs:
        result = subprocess.run(["ldd", str(program)], capture_output=True, text=True)
        if result.returncode == 0:
            found |= set(parse(result.stdout))
        elif "not a dynamic executable" not in result.stdout + result.stderr:
            raise LookupError(f"ldd {program}: {result.stderr.strip()}")
    return sorted(found)
