"""The agent may come and go: traffic stays."""

import hashlib
import signal
import threading

import pytest
from harness import cgroups
from harness.http1 import Connection, chat, request_bytes
from harness.places import BPFFS, binary
from harness.processes import is_running, run
from harness.waiting import eventually

RULES = [{"name": "llm", "to": ["127.64.0.0/16:8000"], "path": "proxy", "whenProxyDown": "refuse"}]
DIALLED = ("127.64.0.10", 8000)


@pytest.fixture
def engine(make):
    return make.engine("--models", "m", "--name", "one", "--tokens", "300", "--ttft", "0ms", "--itl", "20ms")


@pytest.fixture
def broker(make, engine):
    return make.broker(capture=RULES, models={"m": [engine.url]}).start()


class Stream(threading.Thread):
    """Reads one stream to its end."""

    def __init__(self, connection):
        super().__init__()
        self.connection = Connection(connection)
        self.response, self.failure = None, None
        self.began = threading.Event()

    def run(self):
        try:
            self.connection.send(request_bytes("POST", "/v1/chat/completions", chat("m", stream=True)))
            self.response = self.connection.response(sink=lambda _: self.began.set())
        except Exception as error:  # noqa: BLE001, handed to the test
            self.failure = error
        finally:
            self.connection.close()


def short_chat(caller):
    with Connection(caller.connect(*DIALLED)) as connection:
        answer = connection.request("POST", "/v1/chat/completions", chat("m", max_tokens=1))
        assert answer.status == 200, answer.body
        return answer


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "stopped"])
def test_a_stream_survives_its_agent(make, broker, engine, end):
    caller = make.caller(broker.application_cgroup())
    proxy = broker.proxy_pid
    stream = Stream(caller.connect(*DIALLED))
    stream.start()
    assert stream.began.wait(10)
    broker.agent.signal(end)
    broker.agent.wait(20)
    if end == signal.SIGTERM:
        assert broker.agent.popen.returncode == 0
    for _ in range(3):
        short_chat(caller)
    assert stream.is_alive(), "the stream was meant to outlast the agent"
    broker.launch()
    broker.wait_ready()
    short_chat(caller)
    status = broker.status()
    assert status["proxy"]["pid"] == proxy and status["proxy"]["adopted"] and status["kernel"]["adopted"]
    stream.join(30)
    assert stream.failure is None and stream.response.status == 200
    record = next(record for record in engine.requests() if record["seq"] == 1)
    assert hashlib.sha256(stream.response.body).hexdigest() == record["sent_sha256"]
    assert stream.response.body.endswith(b"data: [DONE]\n\n")


def test_connects_in_an_unbroken_row_are_all_captured_through_restarts(make, broker, engine):
    caller = make.caller(broker.application_cgroup())
    over, failures, count = threading.Event(), [], [0]

    def dial():
        while not over.is_set():
            try:
                short_chat(caller)
                count[0] += 1
            except Exception as error:  # noqa: BLE001, handed to the test
                failures.append(error)

    thread = threading.Thread(target=dial)
    thread.start()
    try:
        for _ in range(3):
            broker.kill_agent()
            broker.launch()
            broker.wait_ready()
        eventually(lambda: count[0] > 20 or failures, what="enough of them")
    finally:
        over.set()
        thread.join(30)
    assert not failures
    assert broker.rule("llm")["counters"]["captured"] >= count[0]


def test_a_configuration_changed_meanwhile_is_in_force_afterwards(make, broker, engine):
    caller = make.caller(broker.application_cgroup())
    broker.kill_agent()
    broker.config["models"]["n"] = {"endpoints": [{"url": engine.url.replace("http://", "http://")}]}
    broker.config["capture"] = [{"name": "moved", "to": ["127.67.0.0/16:8000"], "path": "proxy", "whenProxyDown": "refuse"}]
    broker.write_config()
    short_chat(caller)
    broker.launch()
    broker.wait_ready()
    with caller.dial("127.67.0.1", 8000) as call:
        assert call.errno == 0
    with caller.dial(*DIALLED) as call:
        assert call.errno != 0, "the old rule is gone"
    assert broker.model("n")["source"] == "catalog"


def test_kernel_commands_work_without_the_agent(make, broker):
    caller = make.caller(broker.application_cgroup())
    short_chat(caller)
    broker.kill_agent()
    assert broker.ask("capture", "list")[0]["counters"]["captured"] == 1
    assert broker.ask("prog", "list") and broker.ask("map", "list")
    assert broker.ask("map", "dump", "settings")
    failed = broker.cli("status", check=False)
    assert failed.returncode == 1 and failed.stderr and not failed.stdout.strip()


@pytest.mark.parametrize("alive", [True, False], ids=["agent-alive", "agent-dead"])
def test_detach_leaves_nothing(make, broker, alive):
    caller = make.caller(broker.application_cgroup())
    short_chat(caller)
    proxy, programs = broker.proxy_pid, broker.ask("prog", "list")
    assert attached(broker)
    if not alive:
        broker.kill_agent()
    broker.cli("detach")
    assert not broker.pin_directory.exists()
    assert not attached(broker)
    eventually(lambda: not is_running(proxy), 20, "the proxy being gone")
    eventually(lambda: not broker.agent.running, 20, "the agent being gone")
    eventually(lambda: not broker.broker_cgroup.exists(), 20, "the broker's cgroup being gone")
    with caller.dial(*DIALLED) as call:
        assert call.errno != 0, "nobody is captured any more"
    eventually(lambda: not {program["id"] for program in programs} & loaded_programs(), 20, "the programs being freed")
    assert broker.cli("detach", check=False).returncode == 0, "and again is no error"


def attached(broker) -> str:
    text = ""
    for cgroup in (broker.cgroup, broker.broker_cgroup):
        if cgroup.exists():
            text += run(["bpftool", "-j", "cgroup", "show", cgroup], check=False).stdout.strip().removeprefix("[").removesuffix("]")
    return text


def loaded_programs() -> set[int]:
    import json

    return {program["id"] for program in json.loads(run(["bpftool", "-j", "prog", "show"]).stdout)}


def test_a_second_agent_does_not_take_over_a_living_ones_place(broker):
    first = broker.agent
    broker.launch()
    second, broker.agent = broker.agent, first
    try:
        assert second.wait(20) != 0
        assert len(second.output()) > 0
    finally:
        second.stop()
    assert broker.ready()


def test_the_broker_sits_in_its_own_cgroup(broker):
    below = cgroups.below_mount(broker.broker_cgroup)
    for pid, name in ((broker.agent.pid, "agent"), (broker.proxy_pid, "proxy")):
        line = next(line for line in open(f"/proc/{pid}/cgroup").read().splitlines() if line.startswith("0::"))
        assert line == f"0::{below}/{name}"


def test_an_agent_mounts_the_bpf_file_system_where_it_is_missing(make, engine):
    broker = make.broker(capture=RULES, models={"m": [engine.url]})
    # In a mount namespace of its own, the tests' is there for others.
    broker.launcher = ["unshare", "--mount", "--propagation", "private", "sh", "-c", f'umount {BPFFS} && exec "$@"', "sh"]
    broker.start()
    short_chat(make.caller(broker.application_cgroup()))
    assert not broker.pin_directory.exists()
    inside = ["nsenter", "--target", broker.agent.pid, "--mount"]
    assert run([*inside, "stat", "--file-system", "--format", "%T", broker.pin_directory]).stdout == "bpf_fs\n"
    run([*inside, binary("modelbroker"), "detach", "--run-dir", broker.run_directory, "--pin-dir", broker.pin_directory])
