"""The container image on a node: under runc, as the DaemonSet's manifest says, it captures another container."""

import json
import pathlib
import shutil
import sys

import pytest
import yaml
from harness import bpffs, cgroups, manifests
from harness.containers import Container, ShimmedContainer, application, capability_names, hosts_root, specification
from harness.netns import Namespace, join
from harness.places import ROOT, binary
from harness.processes import run
from harness.waiting import eventually

DIALLED = "http://127.64.0.10:8000/v1/chat/completions"
ASKED = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
POD = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{}.slice/cri-containerd-{}.scope"
CAPABILITIES = manifests.agent("base")["securityContext"]["capabilities"]["add"]


@pytest.fixture(scope="module")
def image(module_directory):
    """The archive that `make image` makes."""
    archive = module_directory / "image.tar"
    programs = pathlib.Path(binary("modelbrokerd")).parent
    run([sys.executable, ROOT / "deploy" / "image" / "build.py", "--programs", programs, "--output", archive])
    return archive


@pytest.fixture(scope="module")
def layout(image, module_directory):
    directory = module_directory / "layout"
    directory.mkdir()
    run(["tar", "-C", directory, "-xf", image])
    return directory


@pytest.fixture(scope="module")
def rootfs(layout, module_directory):
    """Its root file system, unpacked by somebody else's program."""
    bundle = module_directory / "bundle"
    run(["umoci", "unpack", "--image", f"{layout}:localhost/modelbroker:0.1.0", bundle])
    return bundle / "rootfs"


class Node:
    """A node of a cluster, as far as the agent and a pod see it: a cgroup, a network, directories and a BPF file system."""

    def __init__(self, directory: pathlib.Path, rootfs: pathlib.Path, stack):
        self.directory, self.rootfs, self.stack = directory, rootfs, stack
        self.cgroup = cgroups.make()
        stack.callback(cgroups.remove, self.cgroup)
        self.network, self.pod = self._namespace(), self._namespace()
        join(self.network, self.pod)
        self.applications, self.mounts = hosts_root(directory / "applications")
        self.sources = {"cgroup": pathlib.Path("/sys/fs/cgroup")}
        for name in ("bpffs", "config", "run", "state"):
            self.sources[name] = directory / name
            self.sources[name].mkdir()
        bpffs.mount_at(self.sources["bpffs"])
        stack.callback(run, ["umount", self.sources["bpffs"]])

    def _namespace(self) -> Namespace:
        namespace = Namespace()
        self.stack.callback(namespace.remove)
        return namespace

    def configure(self, engine: str) -> None:
        """The manifest's configuration, for the test's cgroup and with something to capture."""
        text = manifests.one("base", "ConfigMap")["data"]["modelbroker.yaml"]
        config = yaml.safe_load(text)
        config["node"]["cgroup"] = self.path
        config["capture"] = [{"name": "llm", "to": ["127.64.0.0/16:8000"], "whenProxyDown": "refuse", "unknown": "refuse"}]
        config["models"] = {"m": {"endpoints": [engine]}}
        config["clients"] = {"checkout": {"workloads": [f"{self.path}/kubepods.slice/**/kubepods-burstable-podcheckout.slice"]}}
        # The kubelet makes a pod's cgroup well before its containers run.
        (self.cgroup / POD.format("checkout", "checkout").lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
        (self.sources["config"] / "modelbroker.yaml").write_text(yaml.dump(config))

    @property
    def path(self) -> str:
        return cgroups.below_mount(self.cgroup)

    def container(self, rootfs: pathlib.Path, spec: dict, kind=Container) -> Container:
        container = kind(self.directory, rootfs, spec)
        self.stack.callback(container.remove)
        return container.start()

    def agent(self, variant: str = "base", command=None, without=(), own_cgroups=False, kind=Container) -> Container:
        spec = specification(
            manifests.agent(variant), self.sources, self.network.name, self.path + POD.format("agent", "agent"),
            command or ["/usr/sbin/modelbrokerd"], without, own_cgroups, not manifests.pod(variant).get("hostPID", False))
        return self.container(self.rootfs, spec, kind)

    def ask(self, name: str, **more) -> Container:
        """A container that asks the model once; `name` is in its cgroup's."""
        command = ["curl", "-sSN", "-m", "60", "-d", json.dumps(ASKED | more), DIALLED]
        spec = application(self.pod.name, self.path + POD.format(name, name), self.mounts, command)
        return self.container(self.applications, spec)

    def answer(self, name: str, **more) -> dict:
        """What it is told."""
        container = self.ask(name, **more)
        assert container.wait() == 0, container.output()
        return json.loads(container.output())

    def probe(self, name: str) -> int:
        """The status that the kubelet gets; 0: none."""
        get = manifests.agent("base")[name]["httpGet"]
        url = f"http://{get['host']}:{get['port']}{get['path']}"
        result = run(["curl", "-s", "-o", "/dev/null", "-m", "5", "-w", "%{http_code}", url], netns=self.network.name, check=False)
        return int(result.stdout or 0)

    def ready(self, agent: Container) -> None:
        def is_ready():
            assert agent.running, agent.output()
            return self.probe("readinessProbe") == 200

        eventually(is_ready, 20, lambda: f"the agent being ready; its log:\n{agent.output()}\n", 0.05)


def status(pid: int, field: str) -> str:
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line.split(":", 1)[1].strip() for line in lines if line.startswith(f"{field}:"))


def powers(pid: int, field: str = "CapPrm") -> set[str]:
    return set(capability_names(int(status(pid, field), 16)))


@pytest.fixture
def node(module_directory, rootfs, local_stack, make):
    directory = module_directory / f"node-{len(list(module_directory.glob('node-*')))}"
    directory.mkdir()
    local_stack.callback(shutil.rmtree, directory)
    node = Node(directory, rootfs, local_stack)
    engine = make.engine("--models", "m", "--ttft", "0ms", "--itl", "0ms", netns=node.network.name)
    node.configure(engine.url)
    return node


@pytest.mark.parametrize("variant", ["base", "privileged"])
def test_the_container_captures_another(node, variant):
    agent = node.agent(variant)
    node.ready(agent)
    assert node.probe("livenessProbe") == node.probe("startupProbe") == 200
    assert node.answer("checkout")["choices"][0]["message"]["content"].startswith("engine=")
    assert node.answer("other")["error"]["code"] == "invalid_api_key"


def test_a_cgroup_namespace_of_its_own(node):
    """As runtimes give it to containers that are not privileged: the broker's cgroup is the container's."""
    agent = node.agent(own_cgroups=True)
    node.ready(agent)
    assert node.answer("checkout")["model"] == "m"
    home = node.path + POD.format("agent", "agent")
    assert cgroups.members(node.cgroup.parent / f"{home}/modelbroker/proxy".lstrip("/"))
    assert not (node.cgroup / "modelbroker").exists()


def test_what_the_processes_may(node):
    agent = node.agent()
    node.ready(agent)
    proxy = int(json.loads(agent.execute("/usr/bin/modelbroker", "status", "-j").stdout)["proxy"]["pid"])
    kept = {"BPF", "PERFMON", "NET_ADMIN", "SETUID", "SETGID"}
    assert kept < set(CAPABILITIES)
    assert powers(agent.pid) == powers(agent.pid, "CapBnd") == kept
    inside = next(pid for pid in cgroups.members(node.cgroup / "modelbroker" / "proxy"))
    assert powers(inside) == set() and status(inside, "NoNewPrivs") == "1" and status(inside, "Uid").split()[0] == "65534"
    assert status(inside, "NSpid").split()[-1] == str(proxy)
    roots = [line.split()[5] for line in pathlib.Path(f"/proc/{agent.pid}/mountinfo").read_text().splitlines()
             if line.split()[4] == "/"]
    assert "ro" in roots[-1].split(",")


@pytest.mark.parametrize("capability", CAPABILITIES)
def test_no_capability_is_superfluous(node, capability):
    agent = node.agent(without=[capability])
    assert agent.wait() == 1
    assert f"CAP_{capability} is missing" in agent.output()
    assert list(node.sources["bpffs"].glob("modelbroker*")) == [] and not (node.cgroup / "modelbroker").exists()


def test_a_container_that_is_replaced_and_one_that_takes_everything_away(node):
    agent = node.agent()
    node.ready(agent)
    assert node.answer("checkout")["model"] == "m"
    agent.remove()
    assert (node.sources["bpffs"] / "modelbroker").is_dir()
    meanwhile = node.ask("checkout")
    assert meanwhile.wait() == 7, "the rule says refuse while there is no proxy: " + meanwhile.output()
    agent = node.agent()
    node.ready(agent)
    assert "adopted=true" in agent.output()
    assert node.answer("checkout")["model"] == "m"
    agent.remove()
    assert "169.254.77.1" in node.network.addresses("lo")
    detach = node.agent("detach", manifests.agent("detach")["command"])
    assert detach.wait() == 0, detach.output()
    assert list(node.sources["bpffs"].glob("modelbroker*")) == [] and not (node.cgroup / "modelbroker").exists()
    assert "169.254.77.1" not in node.network.addresses("lo")
    assert node.ask("checkout").wait() == 7, "nobody is at the address"


def test_a_rolling_update_cuts_no_stream(node, make):
    """The manifest `seamless`: the proxy outlives its container, and the next one's agent takes it over and replaces it."""
    tokens = 300
    engine = make.engine("--models", "m", "--ttft", "0ms", "--itl", "50ms", "--tokens", tokens, netns=node.network.name)
    node.configure(engine.url)
    # In the hierarchies of version 1 the proxy stays where it was started, and runc would take it for the container's.
    former = node.agent("seamless", kind=ShimmedContainer)
    node.ready(former)
    proxies = lambda: cgroups.members(node.cgroup / "modelbroker")  # noqa: E731
    proxy, = (pid for pid in proxies() if pid != former.pid)
    stream = node.ask("checkout", stream=True)
    eventually(lambda: stream.output().count("data:") > 10, 20, "the stream having begun")

    run(["kill", former.pid])
    former.wait()
    former.remove()
    assert proxies() == [proxy]
    assert node.answer("other", max_tokens=1)["error"]["code"] == "invalid_api_key", "the proxy serves without an agent"

    agent = node.agent("seamless", kind=ShimmedContainer)
    node.ready(agent)
    assert "adopted=true" in agent.output() and proxy in proxies()
    agent.execute("/usr/bin/modelbroker", "proxy", "restart")
    assert len(set(proxies()) - {proxy, agent.pid}) == 1
    assert node.answer("other", max_tokens=1)["error"]["code"] == "invalid_api_key"
    assert stream.running, "long enough to have seen all of it"
    assert stream.wait() == 0 and stream.output().count('"content":') == tokens and stream.output().rstrip().endswith("[DONE]")
    eventually(lambda: proxy not in proxies(), 20, "the former proxy having drained")

    agent.remove()
    detach = node.agent("detach", manifests.agent("detach")["command"], kind=ShimmedContainer)
    detach.wait()
    assert list(node.sources["bpffs"].glob("modelbroker*")) == []
    assert not (node.cgroup / "modelbroker").exists(), detach.output()
