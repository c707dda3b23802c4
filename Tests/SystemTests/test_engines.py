"""One broker, several kinds of server and client at once: OpenAI's SDK, tritonclient, curl."""

import concurrent.futures
import json
import os
import pathlib
import sys

import numpy
import openai
import pytest
import tritonclient.http as triton
from harness.http1 import Connection
from harness.places import free_port
from harness.processes import Process, run
from harness.waiting import eventually

FAST = ("--ttft", "0ms", "--itl", "0ms", "--tokens", "4")
RUNTIME = '''
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceResponse

class Double(MLModel):
    async def load(self):
        return True

    async def predict(self, payload):
        values = NumpyCodec.decode_input(payload.inputs[0])
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("doubled", values * 2)])
'''


@pytest.fixture(scope="module")
def mlserver(module_directory, stack):
    """A real mlserver with one model; its address."""
    home = module_directory / "mlserver"
    (home / "double").mkdir(parents=True)
    (home / "double_runtime.py").write_text(RUNTIME)
    (home / "double" / "model-settings.json").write_text(json.dumps({"name": "double", "implementation": "double_runtime.Double"}))
    port = free_port()
    settings = {"host": "127.0.0.1", "http_port": port, "grpc_port": free_port(), "metrics_port": free_port(), "parallel_workers": 0}
    (home / "settings.json").write_text(json.dumps(settings))
    program = pathlib.Path(sys.executable).with_name("mlserver")
    server = Process([program, "start", home], home / "log", env=os.environ | {"PYTHONPATH": str(home)})
    stack.callback(server.stop)
    url = f"http://127.0.0.1:{port}"
    eventually(lambda: run(["curl", "-sf", f"{url}/v2/health/ready"], check=False).returncode == 0, 60, "mlserver being ready", 0.2)
    return url


@pytest.fixture(scope="module")
def broker(shared, mlserver):
    def endpoint(engine, kind, **more):
        return {"url": engine.url, "engine": kind} | more

    chat = shared.engine("--name", "chat", *FAST)
    tensors = shared.engine("--name", "tensors", "--models", "raw-tensors", *FAST)
    ollama = shared.engine("--name", "ollama", "--models", "llama3:8b", *FAST)
    details = {
        "gpt": {"endpoints": [endpoint(chat, "openai")]},
        "double": {"endpoints": [{"url": mlserver, "engine": "kserve-v2"}]},
        "twice": {"endpoints": [{"url": mlserver, "engine": "kserve-v2", "upstreamModel": "double"}]},
        "tensors": {"endpoints": [endpoint(tensors, "kserve-v2", upstreamModel="raw-tensors")]},
        "llama3": {"endpoints": [endpoint(ollama, "ollama", upstreamModel="llama3:8b")]},
        "either": {"endpoints": [endpoint(tensors, "kserve-v2"), endpoint(chat, "openai")]},
    }
    return shared.broker(details=details).start()


@pytest.fixture(scope="module")
def address(broker):
    return "{}:{}".format(*broker.gateway)


@pytest.fixture
def client(address):
    with triton.InferenceServerClient(address) as client:
        yield client


def infer(client, model, binary, output="doubled"):
    values = numpy.arange(8, dtype=numpy.float32).reshape(2, 4)
    tensor = triton.InferInput("x", values.shape, "FP32")
    tensor.set_data_from_numpy(values, binary_data=binary)
    return values, client.infer(model, [tensor], outputs=[triton.InferRequestedOutput(output, binary_data=binary)])


@pytest.mark.parametrize("model", ["double", "twice"])
def test_tritonclient_and_mlserver(client, model):
    values, result = infer(client, model, binary=False)
    assert (result.as_numpy("doubled") == values * 2).all()
    assert result.get_response()["model_name"] == model
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready(model)
    assert client.get_model_metadata(model)["name"] == model
    assert client.get_server_metadata()["name"] == "modelbroker"


def test_binary_tensors_are_not_reframed(client):
    values, result = infer(client, "tensors", binary=True, output="engine")
    raw = result.get_response()
    assert raw["outputs"][0]["parameters"]["binary_data_size"] == values.nbytes
    assert result._buffer == values.tobytes() if hasattr(result, "_buffer") else True


def test_the_index_lists_what_speaks_v2(client):
    names = {model["name"] for model in client.get_model_repository_index()}
    assert {"double", "twice", "tensors"} <= names and "gpt" not in names


def test_v2_errors_have_their_own_shape(broker, client):
    with Connection.to(*broker.gateway) as connection:
        answer = connection.request("POST", "/v2/models/none/infer", {"inputs": []})
        assert answer.status == 404 and set(answer.json) == {"error"}
        answer = connection.request("POST", "/v2/models/gpt/infer", {"inputs": []})
        assert answer.status in (400, 404, 503) and set(answer.json) == {"error"}, "an engine without v2 is no candidate"
    with pytest.raises(triton.InferenceServerException, match="none"):
        client.get_model_metadata("none")


def test_ollama(broker):
    with Connection.to(*broker.gateway) as connection:
        answer = connection.request("POST", "/api/chat", {"model": "llama3", "messages": [{"role": "user", "content": "x"}]})
        lines = [json.loads(line) for line in answer.body.splitlines()]
        assert answer.status == 200 and answer.header("content-type") == "application/x-ndjson"
        assert {line["model"] for line in lines} == {"llama3"} and lines[-1]["done"] is True and len(lines) == 5
        answer = connection.request("POST", "/api/generate", {"model": "llama3", "prompt": "x", "stream": False})
        assert answer.json["model"] == "llama3" and answer.json["eval_count"] == 4
        assert "llama3" in [model["name"] for model in connection.request("GET", "/api/tags").json["models"]]
        answer = connection.request("POST", "/v1/chat/completions", {"model": "llama3", "messages": []})
        assert answer.status == 200 and answer.json["model"] == "llama3", "Ollama speaks OpenAI's API, too"


def test_the_api_decides_among_the_engines(broker):
    with Connection.to(*broker.gateway) as connection:
        answer = connection.request("POST", "/v1/chat/completions", {"model": "either", "messages": []})
        assert answer.header("x-engine") == "chat"


def test_all_clients_at_once(broker, address):
    """Each with 100 requests, at the same time, through the same gateway."""
    def sdk():
        with openai.OpenAI(base_url=f"http://{address}/v1", api_key="none", max_retries=0) as client:
            for number in range(100):
                stream = number % 2 == 0
                answer = client.chat.completions.create(model="gpt", messages=[{"role": "user", "content": "x"}], stream=stream)
                assert (len(list(answer)) == 5) if stream else answer.model == "gpt"

    def tritons():
        with triton.InferenceServerClient(address) as client:
            for number in range(100):
                model = ["double", "twice"][number % 2]
                values, result = infer(client, model, binary=False)
                assert (result.as_numpy("doubled") == values * 2).all()

    def curl():
        body = json.dumps({"model": "llama3", "prompt": "x"})
        for _ in range(100):
            text = run(["curl", "-sf", f"http://{address}/api/generate", "-d", body]).stdout
            assert len(text.splitlines()) == 5

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        for future in [pool.submit(work) for work in (sdk, tritons, curl)]:
            future.result(timeout=120)
