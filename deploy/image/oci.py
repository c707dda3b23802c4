"""An OCI image of one layer as an archive of its layout: https://github.com/opencontainers/image-spec. The same files in
give the same bytes out."""

import gzip
import hashlib
import io
import json
import pathlib
import tarfile
from dataclasses import dataclass, field

_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_INDEX = "application/vnd.oci.image.index.v1+json"


@dataclass
class Entry:
    """A file, directory or symbolic link of the image, owned by root."""

    mode: int
    content: bytes | pathlib.Path | None = None
    link: str | None = None


@dataclass
class Tree:
    """What is in the image, by absolute path; directories on the way come by themselves."""

    entries: dict[str, Entry] = field(default_factory=dict)

    def directory(self, path: str, mode: int = 0o755) -> None:
        self._parents(path)
        self.entries[path] = Entry(mode)

    def file(self, path: str, content: bytes | pathlib.Path, mode: int = 0o644) -> None:
        self._parents(path)
        self.entries[path] = Entry(mode, content=content)

    def link(self, path: str, target: str) -> None:
        self._parents(path)
        self.entries[path] = Entry(0o777, link=target)

    def _parents(self, path: str) -> None:
        for parent in reversed(pathlib.PurePosixPath(path).parents[:-1]):
            self.entries.setdefault(str(parent), Entry(0o755))

    def tar(self, time: int) -> bytes:
        result = io.BytesIO()
        with tarfile.open(fileobj=result, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for path, entry in sorted(self.entries.items()):
                _add(archive, path.lstrip("/"), entry, time)
        return result.getvalue()


def _add(archive: tarfile.TarFile, name: str, entry: Entry, time: int) -> None:
    info = tarfile.TarInfo(name)
    info.mode, info.mtime = entry.mode, time
    content = entry.content.read_bytes() if isinstance(entry.content, pathlib.Path) else entry.content
    if entry.link is not None:
        info.type, info.linkname = tarfile.SYMTYPE, entry.link
    elif content is None:
        info.type = tarfile.DIRTYPE
    else:
        info.size = len(content)
    archive.addfile(info, io.BytesIO(content) if content is not None else None)


class Layout:
    """Blobs by their digests, and the index that leads to them."""

    def __init__(self):
        self.blobs: dict[str, bytes] = {}

    def add(self, kind: str, content: bytes | dict) -> dict:
        """Its descriptor."""
        if isinstance(content, dict):
            content = json.dumps(content, sort_keys=True).encode()
        digest = hashlib.sha256(content).hexdigest()
        self.blobs[digest] = content
        return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(content)}

    def archive(self, index: dict, time: int) -> bytes:
        tree = Tree()
        tree.file("/oci-layout", json.dumps({"imageLayoutVersion": "1.0.0"}).encode())
        tree.file("/index.json", json.dumps(index, sort_keys=True).encode())
        for digest, content in self.blobs.items():
            tree.file(f"/blobs/sha256/{digest}", content)
        return tree.tar(time)


def image(tree: Tree, architecture: str, tag: str, config: dict, labels: dict, time: int = 0) -> bytes:
    """The archive of an image.

    `config`: what runs in it, as the specification's `config` object says it; `time`: of every file, in seconds since 1970.
    """
    layer = tree.tar(time)
    layout = Layout()
    layers = [layout.add(_LAYER, gzip.compress(layer, compresslevel=6, mtime=0))]
    about = {
        "architecture": architecture, "os": "linux", "config": config | {"Labels": labels},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    manifest = {
        "schemaVersion": 2, "mediaType": _MANIFEST, "config": layout.add(_CONFIG, about), "layers": layers,
        "annotations": labels,
    }
    reference = layout.add(_MANIFEST, manifest) | {
        "annotations": {"org.opencontainers.image.ref.name": tag},
        "platform": {"architecture": architecture, "os": "linux"},
    }
    return layout.archive({"schemaVersion": 2, "mediaType": _INDEX, "manifests": [reference]}, time)
