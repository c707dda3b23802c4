"""Case (f): what a request over its limit costs to refuse, beside nginx's limit_req."""

from .cases import program
from .contenders import LIMITED, Contender
from .running import BUILT, BenchError

# Where each refuses: ours by the model that the body names, nginx by a location of its own.
PATHS = {"captured": "/v1/chat/completions", "gateway": "/v1/chat/completions", "nginx": "/limited"}


def measure(contenders: dict[str, Contender], rounds: int, warm: float, measured: float, say) -> dict[str, list[dict]]:
    """Interleaved, closed loop on 32 connections; an answer that is no refusal makes the sample void."""
    chosen = {key: contenders[key] for key in PATHS if key in contenders}
    samples = {contender.label: [] for contender in chosen.values()}
    for number in range(rounds):
        say(f"refusals, round {number + 1} of {rounds}")
        for key, contender in chosen.items():
            samples[contender.label].append(_sample(contender, PATHS[key], warm, measured))
    return samples


def _sample(contender: Contender, path: str, warm: float, measured: float) -> dict:
    arguments = [BUILT / "load", "closed", contender.address, "-c", 32, "-w", warm, "-d", measured, "-m", LIMITED, "-p", path]
    sample = program(list(map(str, arguments)) + contender.caller_options, 60)
    # The warm-up's refusals are in the one count and not in the other; one answer a minute is within the limit.
    if sample["errors"] or sample["refusals"] + 2 < sample["done"]:
        raise BenchError(f"{contender.label} let requests pass: {sample['refusals']} refusals of {sample['done']} answers")
    return sample
