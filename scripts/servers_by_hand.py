#!/usr/bin/env python3
"""Do Pythons rank by hand as they rank in a run? The CPU of a request, counted in both ways.

    .venv/bin/python -m scripts.servers --set-up     # the environments, once
    .venv/bin/python -m scripts.servers_by_hand      # three minutes

By hand: each Python answers requests of ``scripts/servers_app`` inside one process, without a
server, in turns; its CPU time over the requests is what a request costs. In a run: gunicorn's
threads on the same Pythons, at one replica. Two Pythons whose costs by hand differ by less than
``NEAR_RATIO`` have no order. results/servers/by-hand.json has a row for each, and how many pairs
there are (``pairs``) and have the same order (``agreeing``).
"""

from __future__ import annotations

import itertools
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from loadtests.environments.child_python import python_path
from loadtests.model.errors import TwofoldError
from loadtests.tools import files, proc, signals
from scripts import server_environments

PROJECT = Path(__file__).resolve().parent.parent
APPLICATION = PROJECT / "scripts/servers_app"
OUT = PROJECT / "results/servers/by-hand.json"

WORKLOADS = ("hash", "loops")
TURNS = 5
WARM_S, COUNTED_S = 4.0, 2.0
"""A just-in-time compiler has ended its work on so small an application after a second or two."""

NEAR_RATIO = 1.05
LIMIT_S = 900.0

BY_HAND = """
import sys, time
from work import app
client, path = app.test_client(), sys.argv[1]
def ask(seconds):
    count, begun = 0, time.process_time()
    while time.process_time() - begun < seconds:
        assert client.get(path).status_code == 200
        count += 1
    return (time.process_time() - begun) / count
ask(float(sys.argv[2]))
print(ask(float(sys.argv[3])) * 1e6)
"""


def main() -> int:
    """Measure both ways, write the file, and return 1 where a pair has another order."""
    pythons = {
        name: server_environments.ENVIRONMENTS / name / "bin/python"
        for name in server_environments.INTERPRETERS
        if (server_environments.ENVIRONMENTS / name / "made").exists()
    }
    if len(pythons) < 2:
        print("Two Pythons are needed: .venv/bin/python -m scripts.servers --set-up")
        return 1
    try:
        with signals.handled():
            hand = by_hand(pythons)
            seen = in_a_run(pythons)
    except TwofoldError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    document = compared(hand, seen)
    files.write(OUT, json.dumps(document, indent=1) + "\n")
    print(json.dumps({key: document[key] for key in ("pairs", "agreeing")}))
    return 0 if document["agreeing"] == document["pairs"] else 1


def by_hand(pythons: Mapping[str, Path]) -> dict[tuple[str, str], float]:
    """Return the CPU of a request in µs, by workload and Python: the median of turns."""
    costs: dict[tuple[str, str], list[float]] = {}
    for turn, workload, name in itertools.product(range(TURNS), WORKLOADS, pythons):
        print(f"turn {turn + 1} of {TURNS}: {workload}, {name}", file=sys.stderr, flush=True)
        words = ("-c", BY_HAND, f"/{workload}", str(WARM_S), str(COUNTED_S))
        done = proc.run((str(pythons[name]), *words), cwd=APPLICATION, timeout_s=LIMIT_S)
        costs.setdefault((workload, name), []).append(float(done.stdout))
    return {key: median(values) for key, values in costs.items()}


def in_a_run(pythons: Mapping[str, Path]) -> dict[tuple[str, str], float]:
    """Return the same of a run under gunicorn's threads, at one replica."""
    with tempfile.TemporaryDirectory(prefix="twofold-by-hand-") as name:
        folder = Path(name)
        (folder / "twofold.toml").write_text(configuration(pythons))
        words = ("run", "--backend", "processes", "--config", str(folder / "twofold.toml"))
        axes = ("--workers", ",".join(pythons), "--workload", ",".join(WORKLOADS))
        done = proc.run(
            (
                *(sys.executable, "-m", "loadtests", *words, *axes, "--replicas", "1,2"),
                *("--rounds", "6", "--no-profile", "--out", str(folder / "runs")),
            ),
            cwd=APPLICATION,
            env=python_path(),
            timeout_s=LIMIT_S,
            check=False,
        )
        runs = sorted(folder.glob("runs/*/run.json"))
        if not runs:
            raise TwofoldError(f"The run left nothing: {done.stderr[-500:]}")
        run = json.loads(runs[-1].read_text())
    return {
        (cell["workload"], cell["worker"]): cell["cpu_us_per_request"]
        for cell in run["cells"]
        if cell["replicas"] == 1
    }


def configuration(pythons: Mapping[str, Path]) -> str:
    """Return the settings of that run: a variant for each Python, and the two loads."""
    lines = [f'target = "{APPLICATION}/work.py:app"', "[variants]"]
    for name, python in pythons.items():
        lines.append(f'{name} = {{server = "gunicorn", worker = "gthread", python = "{python}"}}')
    lines += [f'[workloads.{workload}]\nrequests = ["GET /{workload}"]' for workload in WORKLOADS]
    return "\n".join(lines) + "\n"


def compared(
    hand: Mapping[tuple[str, str], float], seen: Mapping[tuple[str, str], float]
) -> dict[str, Any]:
    """Return the rows, and how many pairs of Pythons have the same order in both."""
    pairs = agreeing = 0
    for workload in WORKLOADS:
        names = sorted(name for of, name in hand if of == workload)
        for one, other in itertools.combinations(names, 2):
            ratio = hand[workload, one] / hand[workload, other]
            if max(ratio, 1 / ratio) < NEAR_RATIO:
                continue
            pairs += 1
            agreeing += (ratio > 1) == (seen[workload, one] > seen[workload, other])
    return {"pairs": pairs, "agreeing": agreeing, "rows": rows(hand, seen)}


def rows(
    hand: Mapping[tuple[str, str], float], seen: Mapping[tuple[str, str], float]
) -> Sequence[dict[str, Any]]:
    """Return a row for each workload and Python; figures in µs of CPU a request."""
    return [
        {
            "workload": workload,
            "python": name,
            "by_hand_us": round(cost, 1),
            "in_a_run_us": round(seen[workload, name], 1),
        }
        for (workload, name), cost in sorted(hand.items())
    ]


if __name__ == "__main__":
    raise SystemExit(main())
