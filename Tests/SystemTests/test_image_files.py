"""How the image is put together: which libraries go in, and that others can read what comes out."""

import hashlib
import io
import json
import sys
import tarfile

import pytest
from harness.places import ROOT

sys.path.insert(0, str(ROOT / "deploy" / "image"))

import libraries  # noqa: E402
import oci  # noqa: E402

LDD = """\tlinux-vdso.so.1 (0x00007ffd2b5f2000)
\tlibssl.so.3 => /lib/x86_64-linux-gnu/libssl.so.3 (0x00007f8c5a000000)
\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f8c59e00000)
\t/lib64/ld-linux-x86-64.so.2 (0x00007f8c5a200000)
"""


def test_libraries_and_the_loader_are_taken():
    found = [str(path) for path in libraries.parse(LDD)]
    assert found == ["/lib/x86_64-linux-gnu/libssl.so.3", "/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"]


def test_a_missing_library_is_an_error():
    with pytest.raises(LookupError, match="libbpf.so.1"):
        libraries.parse(LDD + "\tlibbpf.so.1 => not found\n")


def test_what_is_not_a_program_is_an_error(tmp_path):
    with pytest.raises(LookupError):
        libraries.needed([tmp_path / "absent"])


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "program").write_bytes(b"\x7fELF")
    tree = oci.Tree()
    tree.directory("/tmp", 0o1777)
    tree.file("/usr/bin/program", tmp_path / "program", 0o755)
    tree.file("/etc/passwd", b"root:x:0:0:root:/:/\n")
    tree.link("/bin", "usr/bin")
    return tree


def members(archive: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {member.name: member for member in tar}


def blobs(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar if member.isfile()}


def test_the_layer_has_parents_before_children_and_belongs_to_root(tree):
    found = members(tree.tar(0))
    assert list(found) == ["bin", "etc", "etc/passwd", "tmp", "usr", "usr/bin", "usr/bin/program"]
    assert {(entry.uid, entry.gid, entry.mtime) for entry in found.values()} == {(0, 0, 0)}
    assert found["tmp"].mode == 0o1777 and found["usr/bin/program"].mode == 0o755 and found["bin"].linkname == "usr/bin"


def test_every_digest_leads_to_its_blob(tree):
    files = blobs(oci.image(tree, "amd64", "localhost/p:1", {"Entrypoint": ["/usr/bin/program"]}, {"a": "b"}))
    for name, content in files.items():
        if name.startswith("blobs/sha256/"):
            assert hashlib.sha256(content).hexdigest() == name.rpartition("/")[2]

    def follow(descriptor):
        content = files["blobs/" + descriptor["digest"].replace(":", "/")]
        assert len(content) == descriptor["size"]
        return content

    manifest = json.loads(follow(json.loads(files["index.json"])["manifests"][0]))
    config = json.loads(follow(manifest["config"]))
    assert config["config"]["Entrypoint"] == ["/usr/bin/program"] and config["architecture"] == "amd64"
    with tarfile.open(fileobj=io.BytesIO(follow(manifest["layers"][0])), mode="r:gz") as layer:
        assert "usr/bin/program" in layer.getnames()
    assert len(manifest["layers"]) == len(config["rootfs"]["diff_ids"]) == 1


def test_the_same_files_make_the_same_image(tree):
    assert oci.image(tree, "amd64", "p:1", {}, {}) == oci.image(tree, "amd64", "p:1", {}, {})
    assert oci.image(tree, "amd64", "p:1", {}, {}) != oci.image(tree, "amd64", "p:1", {}, {}, time=1)
