"""Fixtures. Each takes away what it made, also when the test fails; the session's end checks that nothing is left."""

import os
import pathlib
import shutil
import signal
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "Corpus"))

from harness import bpffs, cgroups, dead_runs, leftovers  # noqa: E402
from harness.broker import Broker  # noqa: E402
from harness.caller import Caller  # noqa: E402
from harness.engine import Engine  # noqa: E402
from harness.netns import Namespace  # noqa: E402
from harness.places import RUN, binary  # noqa: E402
from harness.servers import Server  # noqa: E402

NEEDS_ROOT = "needs root, cgroup v2 and bpffs"
WITHOUT_ROOT = {"test_mock_engine", "test_corpus", "test_image_files", "test_manifests"}


def pytest_collection_modifyitems(items):
    """Without root the kernel cannot be tried: reported as skipped, and a failure under CI=true."""
    if os.geteuid() == 0 or os.environ.get("CI") == "true":
        return
    for item in items:
        if item.module.__name__ not in WITHOUT_ROOT:
            item.add_marker(pytest.mark.skip(reason=NEEDS_ROOT))


def pytest_sessionstart(session):
    signal.signal(signal.SIGTERM, interrupted)
    if os.geteuid() == 0 and is_first():
        if removed := dead_runs.remove():
            session.config.pluginmanager.get_plugin("terminalreporter").write_line(f"taken away, of killed runs: {', '.join(removed)}")
        bpffs.SYSTEM.claim()


def is_first() -> bool:
    """Not one of several that test side by side: what all of them need is seen to by the process that started them."""
    return "PYTEST_XDIST_WORKER" not in os.environ


def interrupted(*_):
    """As ctrl-C: what was made is taken away. Once, since that is not to be interrupted."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


#: What the processes that tested side by side have left.
_left: list[str] = []


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    _left.extend(getattr(node, "workeroutput", {}).get("left", []))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    # Last: pytest closes the fixtures of an interrupted run in this hook, too.
    left = _left + (leftovers.find() if os.geteuid() == 0 else [])
    if not is_first():
        session.config.workeroutput["left"] = left
        return
    if os.geteuid() == 0:
        bpffs.SYSTEM.release()
    if left:
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        reporter.write_line("left behind: " + "; ".join(left), red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="module")
def module_directory():
    """A directory that the unprivileged proxy can reach, too."""
    path = pathlib.Path(tempfile.mkdtemp(prefix=f"{RUN}-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def stack(module_directory):
    """Closes what is put on it, the last first, each even if another fails."""
    from contextlib import ExitStack

    with ExitStack() as stack:
        yield stack


@pytest.fixture
def local_stack():
    from contextlib import ExitStack

    with ExitStack() as stack:
        yield stack


def _directory(parent: pathlib.Path) -> pathlib.Path:
    path = pathlib.Path(tempfile.mkdtemp(dir=parent))
    path.chmod(0o755)
    return path


class Makers:
    """Makes engines, brokers, callers and servers that end with a stack."""

    def __init__(self, directory, stack):
        self.directory, self.stack = directory, stack

    def engine(self, *flags, **options) -> Engine:
        engine = Engine(_directory(self.directory) / "engine.log", *flags, **options)
        self.stack.callback(engine.stop)
        return engine

    def broker(self, **options) -> Broker:
        """Not started yet."""
        binary("modelbrokerd")
        broker = Broker(_directory(self.directory), **options)
        self.stack.callback(broker.close)
        return broker

    def caller(self, cgroup, **options) -> Caller:
        caller = Caller(cgroup, **options)
        self.stack.callback(caller.close)
        return caller

    def server(self, behaviour, **options) -> Server:
        server = Server(behaviour, **options)
        self.stack.callback(server.close)
        return server

    def namespace(self) -> Namespace:
        namespace = Namespace()
        self.stack.callback(namespace.remove)
        return namespace

    def cgroup(self) -> pathlib.Path:
        path = cgroups.make()
        self.stack.callback(cgroups.remove, path)
        return path


@pytest.fixture(scope="module")
def shared(module_directory, stack) -> Makers:
    """For what all tests of a file use."""
    return Makers(module_directory, stack)


@pytest.fixture
def make(module_directory, local_stack) -> Makers:
    """For what one test uses."""
    return Makers(module_directory, local_stack)
