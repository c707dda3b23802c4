"""Medians with spread, as a table."""

import statistics

from . import connects
from .cases import CASES
from .contenders import ROWS

NOISY_SPREAD = 0.20  # half the range over the median
NOISY_FOREIGN = 0.05  # the part of the machine that others used


def median(values) -> float:
    return statistics.median(values) if values else float("nan")


def spread(values) -> float:
    """Half the distance from the least to the greatest, over the median."""
    middle = median(values)
    return (max(values) - min(values)) / 2 / middle if values and middle else 0.0


def row(samples: list[dict], base: list[dict]) -> dict:
    """One contender in one case. What is added is the median of the differences within a round."""
    cpu = [sample["cpu_us"] for sample in samples]
    summary = {
        "rounds": len(samples), "rate": median([sample["rate"] for sample in samples]), "cpu_us": median(cpu),
        "cpu_spread": spread(cpu), "rate_spread": spread([sample["rate"] for sample in samples]),
        "errors": sum(sample["errors"] for sample in samples), "lost": sum(sample["lost"] for sample in samples),
        "foreign": median([sample["foreign"] for sample in samples]), "busy_cores": median([s["busy_cores"] for s in samples]),
        "rss_kib": max(sample["rss_kib"] for sample in samples)}
    summary["noisy"] = summary["cpu_spread"] > NOISY_SPREAD or summary["foreign"] > NOISY_FOREIGN
    for name in ("mean", "p50", "p99", "p999"):
        summary[name + "_us"] = median([sample[name + "_us"] for sample in samples])
    for name in ("cpu", "mean", "p50", "p99", "p999"):
        summary[f"added_{name}_us"] = median([s[name + "_us"] - b[name + "_us"] for s, b in zip(samples, base)])
    return summary


def summarise(results: dict) -> dict:
    """Adds the medians to the raw samples."""
    summary = {}
    for key, by_contender in results["cases"].items():
        base = by_contender["direct"]
        summary[key] = {name: row(samples, base) for name, samples in by_contender.items() if samples}
    return summary


def _line(cells, widths) -> str:
    return "  ".join(str(cell).ljust(width) if n == 0 else str(cell).rjust(width)
                     for n, (cell, width) in enumerate(zip(cells, widths))).rstrip()


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    widths = [max(len(str(line[n])) for line in [head, *rows] if len(line) > n) for n in range(len(head))]
    return [_line(head, widths), *(_line(cells, widths) for cells in rows)]


def _case(case, rows: dict, labels: dict) -> list[str]:
    head = ["", f"{case.unit}s/s", f"CPU us/{case.unit}", "+-", "added CPU", "mean us", "added mean", "added p50", "added p99",
            "added p99.9", "RSS MiB", ""]
    body = []
    for name in ROWS:
        if name in rows:
            r = rows[name]
            notes = ["noisy"] * r["noisy"] + [f"{r['errors']} ERRORS"] * bool(r["errors"]) + [f"{r['lost']} lost"] * bool(r["lost"])
            added = [f"{r[f'added_{n}_us']:+.1f}" if name != "direct" else "" for n in ("cpu", "mean", "p50", "p99", "p999")]
            body.append([labels[name], f"{r['rate']:,.0f}", f"{r['cpu_us']:.1f}", f"{r['cpu_spread']:.0%}", added[0],
                         f"{r['mean_us']:.1f}", *added[1:], f"{r['rss_kib'] / 1024:.0f}" if r["rss_kib"] else "", ", ".join(notes)])
    return ["", f"## {case.title}", *_table(head, body)]


def _refusals(samples: dict) -> list[str]:
    body = []
    for label, taken in samples.items():
        cpu = [sample["cpu_us"] for sample in taken]
        body.append([label, f"{median([sample['rate'] for sample in taken]):,.0f}", f"{median(cpu):.1f}", f"{spread(cpu):.0%}",
                     f"{median([sample['mean_us'] for sample in taken]):.1f}", "noisy" if spread(cpu) > NOISY_SPREAD else ""])
    return ["", "## Over-limit refusals (429), closed loop, 32 connections, 1 KiB requests",
            *_table(["", "refusals/s", "CPU us/refusal", "+-", "mean us", ""], body)]


def _connects(samples: dict) -> list[str]:
    plain = {"captured": "plain", "uncaptured": "plain", "redirect": "namespace"}
    rows = []
    for kind, taken in samples.items():
        base = samples.get(plain.get(kind, kind))
        ratio = median([sample["p50_us"] / b["p50_us"] for sample, b in zip(taken, base)])
        p50 = [sample["p50_us"] for sample in taken]
        rows.append([connects.KINDS[kind], f"{median(p50):.2f}", f"{spread(p50):.0%}",
                     f"{median([s['mean_us'] for s in taken]):.2f}", f"{median([s['p99_us'] for s in taken]):.2f}",
                     f"{median([s['cpu_us'] for s in taken]):.1f}", f"{ratio:.3f}" if kind in plain else "",
                     "noisy" if spread(p50) > NOISY_SPREAD else ""])
    return ["", "## connect()", *_table(["", "p50 us", "+-", "mean us", "p99 us", "machine CPU us", "p50 over plain", ""], rows)]


def _memory(found: dict, labels: dict) -> list[str]:
    sizes = next(([(r["connections"], r["state"]) for r in rows] for rows in found.values() if "error" not in rows[0]), [])
    head = ["", *(state if not size else f"{size:,} {state}" for size, state in sizes)]
    rows = []
    for name, taken in found.items():
        if "error" in taken[0]:
            rows.append([labels.get(name, name), taken[0]["error"][:60]] + [""] * (len(sizes) - 1))
            continue
        rows.append([labels[name], *(f"{r['rss_kib'] / 1024:.1f}" + f" ({r['errors']} ERRORS)" * bool(r["errors"]) for r in taken)])
        for part in taken[0]["parts"]:
            rows.append([f"  {part}", *(f"{r['parts'][part] / 1024:.1f}" for r in taken)])
    return ["", "## Resident memory, MiB, of all the contender's processes (ModelBroker: agent and proxy)", *_table(head, rows)]


def _growth(found: dict) -> list[str]:
    rows, base = [], next(iter(found.values()))
    for size, taken in found.items():
        connect = median([s["p50_us"] for s in taken["connect"]])
        cpu, single = median([s["cpu_us"] for s in taken["request"]]), median([s["p50_us"] for s in taken["single"]])
        over = [median([a[field] / b[field] for a, b in zip(taken[kind], base[kind])])
                for kind, field in (("connect", "p50_us"), ("request", "cpu_us"), ("single", "p50_us"))]
        errors = sum(s["errors"] for s in taken["request"] + taken["single"])
        rows.append([f"{int(size):,}", f"{connect:.2f}", f"{over[0]:.2f}", f"{cpu:.1f}", f"{over[1]:.2f}", f"{single:.1f}",
                     f"{over[2]:.2f}", f"{taken['rss_kib'] / 1024:.0f}", errors])
    head = ["rules, workloads, models", "connect us", "x", "CPU us/request, 32 conn.", "x", "p50 us, 1 conn.", "x", "RSS MiB", "errors"]
    return ["", "## Growth", *_table(head, rows)]


def _many(found: dict) -> list[str]:
    stream = found["stream"]
    return ["", "## Many callers (ModelBroker, captured)",
            f"{found['idle']:,} idle connections: {found['idle_errors']} errors, {found['idle_rss_kib'] / 1024:.0f} MiB resident",
            f"{found['streams']:,} streams x 20/s: {stream['rate']:,.0f} events/s, {stream['errors']} errors, {stream['lost']} events "
            f"lost, p99 delay {stream['p99_us'] / 1e3:.1f} ms"]


def _headroom(summary: dict) -> list[str]:
    """Whether upstream and callers are faster than all that they measure."""
    ratios = []
    for case in CASES:
        rows = summary.get(case.key, {})
        # On the direct path nobody stands between.
        rates = [r["rate"] for name, r in rows.items() if name not in ("direct", "path")]
        if case.mode == "closed" and rates:
            ratios.append(rows["direct"]["rate"] / max(rates))
    if not ratios:
        return []
    return ["", f"Upstream and callers without a proxy do at least {min(ratios):.2f} times what the fastest contender does, in every "
            "closed loop." + (" TOO LITTLE: they are what is measured." if min(ratios) < 1.1 else "")]


def _verdict(summary: dict) -> list[str]:
    total = sum(map(len, summary.values()))
    noisy = [(case, name) for case, rows in summary.items() for name, r in rows.items() if r["noisy"]]
    if not noisy:
        return ["", f"The machine was quiet: no spread over {NOISY_SPREAD:.0%}, others used less than {NOISY_FOREIGN:.0%} of it."]
    return ["", f"TOO NOISY to tell in {len(noisy)} of {total} rows, marked noisy: their spread is over {NOISY_SPREAD:.0%}, or other "
            f"processes used over {NOISY_FOREIGN:.0%} of the machine meanwhile."]


def text(results: dict) -> str:
    lines = [f"{results['mode']} run of {results['date']}: {results['machine']}; medians of {results['rounds']} interleaved rounds, "
             "whole-machine CPU less what foreign processes used, what is added is over no proxy in the same round"]
    for case in CASES:
        if case.key in results["summary"]:
            lines += _case(case, results["summary"][case.key], results["labels"])
    for part, body in (("refusals", _refusals), ("connect", _connects), ("growth", _growth), ("many", _many)):
        if results.get(part):
            lines += body(results[part])
    if results.get("memory"):
        lines += _memory(results["memory"], results["labels"])
    lines += _headroom(results["summary"])
    lines += _verdict(results["summary"])
    lines += [f"note: {note}" for note in results["notes"]]
    return "\n".join(lines)
