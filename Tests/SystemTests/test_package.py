"""The Debian package on a machine of its own: installed, upgraded, removed and purged, with traffic."""

import contextlib
import json
import pathlib
import re
import shutil

import pytest
import yaml
from harness.engine import Engine
from harness.machine import Machine, install
from harness.places import ROOT, binary
from harness.processes import run
from harness.waiting import eventually

LIBRARIES = {"libbpf1", "libc6", "libcap2", "libelf1", "libgcc-s1", "libssl3", "libstdc++6", "libyaml-0-2"}
CONFIGURATION = "/etc/modelbroker/modelbroker.yaml"
ASKED = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hello"}]})
#: What dpkg and the machine itself write down.
NOTES = re.compile(r"/var/(lib/(dpkg|systemd/(random-seed|timers.*|catalog.*))|log|cache|backups)(/|$)|/srv(/|$)")


@pytest.fixture(scope="module")
def package(module_directory):
    """What `make deb` makes."""
    programs = pathlib.Path(binary("modelbrokerd")).parent
    output = module_directory / "package"
    run([ROOT / "deploy" / "debian" / "build.sh", programs, output], timeout=600)
    return next(output.glob("modelbroker_*.deb"))


@pytest.fixture(scope="module")
def newer(package, module_directory):
    """The same under a higher version."""
    directory = module_directory / "newer"
    run(["dpkg-deb", "-R", package, directory])
    control = directory / "DEBIAN" / "control"
    control.write_text(re.sub("^Version: .*$", "Version: 99", control.read_text(), flags=re.MULTILINE))
    run(["dpkg-deb", "-Znone", "--build", directory, module_directory / "newer.deb"])
    return module_directory / "newer.deb"


def field(package: pathlib.Path, name: str) -> str:
    return run(["dpkg-deb", "-f", package, name]).stdout.strip()


@pytest.fixture(scope="module")
def root(package, module_directory):
    """A clean system with what the package depends on, and nothing more of it."""
    directory = module_directory / "root"
    depends = [entry.split()[0] for entry in field(package, "Depends").split(", ")]
    install(directory, "systemd", "systemd-sysv", "dbus", "curl", *depends)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def machine(module_directory, root, package, newer, local_stack):
    directory = module_directory / "machine"
    directory.mkdir()
    local_stack.callback(shutil.rmtree, directory)
    for file in (package, newer):
        shutil.copy(file, root / "srv" / file.name)
    return Machine(directory, root, local_stack)


def test_what_the_package_says(package):
    depends = {entry.split()[0] for entry in field(package, "Depends").split(", ")}
    assert depends == LIBRARIES
    assert field(package, "Version") == run([binary("modelbroker"), "--version"]).stdout.strip()
    contents = run(["dpkg-deb", "-c", package]).stdout
    assert all(f"./{path}" in contents for path in (
        "usr/bin/modelbroker\n", "usr/sbin/modelbrokerd\n", "usr/sbin/modelbroker-proxy\n",
        "lib/systemd/system/modelbrokerd.service\n", "etc/modelbroker/modelbroker.yaml\n"))
    assert {line.split()[1] for line in contents.splitlines()} == {"root/root"}


@pytest.mark.guest
def test_lintian_has_nothing_to_say(package):
    result = run(["lintian", "--fail-on", "error,warning", package], check=False, timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.guest
def test_a_root_without_systemd_running(root, package):
    """As when an image of a machine is made: nothing is started, nothing fails, nothing is left."""
    shutil.copy(package, root / "srv")
    before = names(root)
    with inside(root) as sh:
        sh(f"dpkg -i /srv/{package.name}")
        assert "not found" not in sh("ldd /usr/bin/modelbroker /usr/sbin/modelbrokerd /usr/sbin/modelbroker-proxy").stdout
        assert "valid: 0 rules" in sh(f"modelbroker config check {CONFIGURATION}").stdout
        sh("dpkg --purge modelbroker")
    assert names(root) == before


@contextlib.contextmanager
def inside(root: pathlib.Path):
    """Runs scripts with that root."""
    run(["mount", "-t", "proc", "proc", root / "proc"])
    try:
        yield lambda script: run(["chroot", root, "env", "DEBIAN_FRONTEND=noninteractive", "sh", "-c", script])
    finally:
        run(["umount", root / "proc"])


def names(root: pathlib.Path) -> set[str]:
    found = {f"/{path.relative_to(root)}" for path in root.rglob("*")}
    return {name for name in found if not NOTES.match(name)}


def configure(machine: Machine, engine: Engine, slow: Engine) -> None:
    """What is installed, with something to capture."""
    file = machine.root / CONFIGURATION.lstrip("/")
    config = yaml.safe_load(file.read_text())
    config["capture"] = [{"name": "llm", "to": ["127.64.0.0/16:8000"], "whenProxyDown": "refuse", "unknown": "refuse"}]
    config["models"] = {"m": {"endpoints": [engine.url]}, "slow": {"endpoints": [slow.url]}}
    file.write_text(yaml.dump(config))


def ask(machine: Machine, check: bool = True):
    """From a service of the machine."""
    return machine.sh(
        f"systemd-run --quiet --wait --pipe curl -sS -m 20 -d '{ASKED}' http://127.64.0.10:8000/v1/chat/completions", check)


def ready(machine: Machine) -> None:
    def answer():
        return machine.sh("curl -sS -m 5 http://127.0.0.1:15020/readyz", check=False).stdout == "ready\n"

    eventually(answer, 30, lambda: machine.sh("journalctl --no-pager -u modelbrokerd", check=False).stdout, 0.1)


def proxy(machine: Machine) -> int:
    return json.loads(machine.sh("modelbroker status -j").stdout)["proxy"]["pid"]


@pytest.mark.guest
def test_install_upgrade_remove_and_purge(machine, package, newer, make):
    engine = make.engine("--models", "m", "--ttft", "0ms", "--itl", "0ms", netns=machine.network.name)
    slow = make.engine("--models", "slow", "--itl", "150ms", "--tokens", "200", netns=machine.network.name)
    before = {name for name in machine.files() if not NOTES.match(name)}
    machine.sh(f"dpkg -i /srv/{package.name}")
    ready(machine)
    assert ask(machine, check=False).returncode != 0, "as installed nothing is captured"
    configure(machine, engine, slow)
    machine.sh("modelbroker config check " + CONFIGURATION + " && systemctl reload modelbrokerd")
    eventually(lambda: '"choices"' in ask(machine, check=False).stdout, 20, "a captured request being answered", 0.2)
    first = proxy(machine)
    assert machine.sh(f"cat /proc/{first}/cgroup").stdout.splitlines()[-1] == "0::/system.slice/modelbrokerd.service/proxy"

    with streaming(machine) as stream:
        machine.sh("systemctl restart modelbrokerd")
        ready(machine)
        machine.sh(f"dpkg -i /srv/{newer.name}")
        ready(machine)
        assert proxy(machine) == first, "the agent took the running proxy over"
    assert stream["ended"].endswith("data: [DONE]\n\n") and stream["ended"].count("data: ") > 200
    assert "llm" in machine.sh("cat " + CONFIGURATION).stdout, "the configuration is the user's"
    assert '"choices"' in ask(machine).stdout

    machine.sh("dpkg -r modelbroker")
    assert list(machine.bpffs.glob("modelbroker*")) == []
    assert ask(machine, check=False).returncode == 7, "connections go where they were dialled to"
    assert machine.sh("ls -d /sys/fs/cgroup/system.slice/modelbrokerd.service", check=False).returncode != 0
    assert machine.sh("cat /proc/[0-9]*/comm").stdout.count("modelbroker") == 0
    machine.sh("dpkg --purge modelbroker")
    assert {name for name in machine.files() if not NOTES.match(name)} == before
    assert machine.sh("ls /run/modelbroker /var/lib/modelbroker /var/log/modelbroker", check=False).stdout == ""


@contextlib.contextmanager
def streaming(machine: Machine):
    """A stream of a captured service that is open meanwhile; `ended` is all of it afterwards."""
    asked = json.dumps({**json.loads(ASKED), "model": "slow", "stream": True})
    machine.sh(f"systemd-run --quiet --unit stream --property StandardOutput=file:/srv/stream --remain-after-exit "
               f"curl -sSN -m 60 -d '{asked}' http://127.64.0.10:8000/v1/chat/completions")
    file = machine.root / "srv" / "stream"
    eventually(lambda: file.exists() and file.read_text().count("data: ") > 2, 10, "the stream having begun")
    result: dict = {}
    yield result
    assert "[DONE]" not in file.read_text(), "the stream has not lasted as long as what it was to outlive"
    eventually(lambda: "exited" in machine.sh("systemctl show -p SubState stream").stdout, 60, "the stream's end", 0.2)
    result["ended"] = file.read_text()
    machine.sh("systemctl stop stream")


@pytest.mark.guest
def test_the_unit(machine, package):
    machine.sh(f"dpkg -i /srv/{package.name}")
    ready(machine)
    assert machine.sh("systemd-analyze verify modelbrokerd.service").stderr == ""
    machine.sh("systemd-analyze security --no-pager --threshold=32 modelbrokerd.service")
    machine.sh("systemctl kill -s KILL --kill-whom=main modelbrokerd")
    eventually(lambda: machine.sh("systemctl show -p NRestarts modelbrokerd").stdout.strip() == "NRestarts=1", 20, "a restart")
    ready(machine)
    loosen(machine)
    machine.sh("systemctl stop modelbrokerd")
    assert machine.sh("systemctl show -p Result modelbrokerd").stdout.strip() == "Result=success"
    assert (machine.bpffs / "modelbroker").is_dir(), "stopped is not detached"
    machine.sh("dpkg --purge modelbroker")
    assert list(machine.bpffs.glob("modelbroker*")) == []


def loosen(machine: Machine) -> None:
    """As the README says, for servers that need devices."""
    place = "/etc/systemd/system/modelbrokerd.service.d"
    machine.sh(f"mkdir {place} && cp /usr/share/doc/modelbroker/examples/20-engines.conf {place}")
    machine.sh("systemctl daemon-reload && systemctl restart modelbrokerd")
    assert machine.sh("systemd-analyze verify modelbrokerd.service").stderr == ""
    shown = machine.sh("systemctl show -p PrivateDevices -p MemoryDenyWriteExecute -p NoNewPrivileges modelbrokerd").stdout.split()
    assert sorted(shown) == ["MemoryDenyWriteExecute=no", "NoNewPrivileges=yes", "PrivateDevices=no"]
    ready(machine)
    machine.sh(f"rm -r {place} && systemctl daemon-reload")
