#!/usr/bin/env python3
"""Writes the container image: three programs, the libraries that they are linked with, and nothing else.

    build.py --programs DIR --output FILE
"""

import argparse
import os
import pathlib
import platform
import subprocess
import tempfile

import libraries
import oci

PROGRAMS = {
    "modelbroker": "/usr/bin/modelbroker",
    "modelbrokerd": "/usr/sbin/modelbrokerd",
    "modelbroker-proxy": "/usr/sbin/modelbroker-proxy",
}
#: Looked up by the agent: root, and the user of the proxy.
PASSWD = "root:x:0:0:root:/:/\nnobody:x:65534:65534:nobody:/:/\n"
GROUP = "root:x:0:\nnogroup:x:65534:\n"
#: Places that are mounted over, so that the root can be read-only.
DIRECTORIES = ["/dev", "/etc/modelbroker", "/proc", "/run/modelbroker", "/sys", "/var/lib/modelbroker", "/var/log/modelbroker"]
#: Whom `https` endpoints and key sets are believed from.
AUTHORITIES = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def root(programs: pathlib.Path, stripped: pathlib.Path) -> oci.Tree:
    """`stripped`: an empty directory for programs without symbols."""
    tree = oci.Tree()
    for directory in DIRECTORIES:
        tree.directory(directory)
    tree.directory("/tmp", 0o1777)
    for name, place in PROGRAMS.items():
        subprocess.run(["strip", "-o", stripped / name, programs / name], check=True)
        tree.file(place, stripped / name, 0o755)
    for library in libraries.needed([programs / name for name in PROGRAMS]):
        tree.file(str(library), library.resolve(), 0o755)
    tree.file("/etc/passwd", PASSWD.encode())
    tree.file("/etc/group", GROUP.encode())
    tree.file("/etc/nsswitch.conf", b"passwd: files\ngroup: files\nhosts: files dns\n")
    tree.file(str(AUTHORITIES), AUTHORITIES)
    return tree


def version(programs: pathlib.Path) -> str:
    command = [programs / "modelbroker", "--version"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--programs", type=pathlib.Path, required=True, help="directory with the release programs")
    options.add_argument("--output", type=pathlib.Path, required=True, help="OCI archive to write")
    given = options.parse_args()
    number = version(given.programs)
    labels = {"org.opencontainers.image.title": "modelbroker", "org.opencontainers.image.version": number,
              "org.opencontainers.image.licenses": "Apache-2.0"}
    config = {"Entrypoint": [PROGRAMS["modelbrokerd"]], "Env": ["PATH=/usr/sbin:/usr/bin"], "WorkingDir": "/"}
    with tempfile.TemporaryDirectory() as directory:
        tree = root(given.programs, pathlib.Path(directory))
        archive = oci.image(
            tree, ARCHITECTURES[platform.machine()], f"localhost/modelbroker:{number}", config, labels,
            time=int(os.environ.get("SOURCE_DATE_EPOCH", "0")))
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_bytes(archive)
    print(f"{given.output}: localhost/modelbroker:{number}, {len(archive) >> 20} MiB")


if __name__ == "__main__":
    main()
