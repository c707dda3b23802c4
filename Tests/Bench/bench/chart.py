"""The README's chart: bars of added CPU, drawn by hand in SVG; it reads on light and on dark pages."""

import html
import pathlib

from .contenders import ROWS

PANELS = [
    ("stream-1000", "added_cpu_us", "CPU added per streamed event, µs", "1,000 SSE streams x 50/s of 256 B"),
    ("steps-1000", "added_cpu_us", "CPU added per streamed event, in steps, µs", "the same, sent as an engine does that batches: every 10 ms"),
    ("closed-1k-32", "added_cpu_us", "CPU added per request, µs", "1 KiB JSON, 32 connections, closed loop"),
    ("open-1000", "added_mean_us", "Mean latency added, µs", "1 KiB JSON, 1,000 requests/s on 32 connections"),
]
COLOURS = {"captured": "#d9480f", "gateway": "#f08c4a", "relay": "#868e96"}
WIDTH, LABEL, BAR, GAP, HEAD = 760, 180, 18, 8, 58


def _panel(summary: dict, labels: dict, panel: tuple, top: int) -> tuple[list[str], int]:
    key, field, title, subtitle = panel
    rows = [(name, summary[key][name][field], summary[key][name]["noisy"]) for name in ROWS
            if name != "direct" and name in summary.get(key, {})]
    if not rows:
        return [], top
    largest = max(max(value for _, value, _ in rows), 0.001)
    parts = [f'<text x="0" y="{top + 18}" class="title">{html.escape(title)}</text>',
             f'<text x="0" y="{top + 36}" class="small">{html.escape(subtitle)}; whole machine, over no proxy</text>']
    y = top + HEAD - 8
    for name, value, noisy in rows:
        width = max(1.0, value / largest * (WIDTH - LABEL - 90))
        parts += [f'<text x="{LABEL - 8}" y="{y + 14}" text-anchor="end">{html.escape(labels[name])}</text>',
                  f'<rect x="{LABEL}" y="{y}" width="{width:.1f}" height="{BAR}" rx="2" fill="{COLOURS.get(name, "#4c7fb8")}"/>',
                  f'<text x="{LABEL + width + 6:.1f}" y="{y + 14}">{value:.1f}{" (noisy)" if noisy else ""}</text>']
        y += BAR + GAP
    return parts, y + 14


def write(results: dict, path: pathlib.Path) -> None:
    body, top = [], 0
    for panel in PANELS:
        parts, top = _panel(results["summary"], results["labels"], panel, top)
        body += parts
    note = f"{results['machine']}; {results['mode']} run, {results['rounds']} rounds, {results['date']}"
    body.append(f'<text x="0" y="{top + 10}" class="small">{html.escape(note)}</text>')
    style = ("text{font:13px system-ui,sans-serif;fill:#57606a}.title{font-weight:600;font-size:15px}.small{font-size:11px}"
             "@media(prefers-color-scheme:dark){text{fill:#adbac7}}")
    path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top + 20}" width="{WIDTH}" role="img" '
                    f'aria-label="CPU and latency added by each contender"><style>{style}</style>\n' + "\n".join(body) + "\n</svg>\n")
