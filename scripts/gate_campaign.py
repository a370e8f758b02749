#!/usr/bin/env python3
"""How often is the gate wrong? Real gates whose answer is known, one row each.

    .venv/bin/python scripts/gate_campaign.py aa --gates 40
    .venv/bin/python scripts/gate_campaign.py burn5 --gates 20 --minutes 60

Base and head both are the zoo's image (``scripts/zoo/image.py``), whose faults the cases turn on by
variables; ``--version`` names another image, a folder or a commit for both.

A case (``aa``, ``burn2``, ``burn5``, ``burn10``, ``lock``, ``neighbour``) is gated until it has so
many rows, or the minutes are up; called again it goes on where it was. Rows are in
results/gate-error-rates.json; each gate's starts, from which it can be judged again by any rule,
in results/gate-starts.json.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from loadtests.gate.analysis.medians import quantile_levels
from loadtests.tools import git
from scripts.zoo import image

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "results"

OWN_LOCK, SHARED_LOCK = "/tmp/lock", "/run/shared/lock"  # noqa: S108 (in the replica)
"""A file of each replica's own, and one that the replicas of a side share (compose/gate.yaml)."""

LOST_SHARE = 1 / 0.9 - 1
"""Serial share with which two replicas do 0.9 of twice the work: 2/(1 + s) = 0.9 × 2."""

LOCKED = (
    *("--workload", "/serial?ms=100"),
    *(f"--{side}-env=SERIAL_SHARE={LOST_SHARE:.4f}" for side in ("base", "head")),
    *("--base-env", f"SERIAL_LOCK={OWN_LOCK}", "--head-env", f"SERIAL_LOCK={SHARED_LOCK}"),
)
"""Both sides take turns at a lock, so that one replica does as much; only head's replicas share
theirs. (Base without any share answers at another rhythm: all slots at once, or none.)"""

CASES: dict[str, tuple[tuple[str, ...], str, str]] = {
    "aa": ((), "throughput", "pass"),
    "neighbour": ((), "throughput", "pass"),
    "burn2": (("--head-env", "BURN_PERCENT=2"), "cpu_per_request", "pass"),
    "burn5": (("--head-env", "BURN_PERCENT=5"), "cpu_per_request", "regressed"),
    "burn10": (("--head-env", "BURN_PERCENT=10"), "cpu_per_request", "regressed"),
    "lock": (LOCKED, "scaling", "regressed"),
}
"""Name → what is injected, the endpoint that shows it, and the verdict that is right."""

BURST_S, REST_S = 2.0, 3.0
"""The neighbour's bursts on one core, and the pauses between them."""

BURSTS = f"""
import time
while True:
    end = time.monotonic() + {BURST_S}
    while time.monotonic() < end:
        pass
    time.sleep({REST_S})
"""

BUCKETS = 48
"""Of response times, from 0.1 ms to 10 s on a logarithmic scale: each 27 % wide, for the rules that
look at requests."""

QUANTILES = 40
"""Of response times, for the medians."""

EDGES_US = np.geomspace(100, 10_000_000, BUCKETS + 1)


def main(argv: Sequence[str] | None = None) -> int:
    """Run gates of one case; give 0, or the exit code of a gate that could not be run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--gates", type=int, default=10, help="rows to have of this case")
    parser.add_argument("--minutes", type=float, default=1e9, help="begin none after so many")
    parser.add_argument("--version", help="what base and head both are (default: the zoo's image)")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args(argv)
    rows, starts = (
        Kept(options.out / name) for name in ("gate-error-rates.json", "gate-starts.json")
    )
    version = options.version or image.build(ROOT, say=say)
    deadline = time.monotonic() + 60 * options.minutes
    seed = 1 + max((row["seed"] for row in rows.of(options.case)), default=0)
    while len(rows.of(options.case)) < options.gates and time.monotonic() < deadline:
        folder = options.out / "gate-campaign"
        verdict, samples = gate(options.case, version, seed, folder)
        starts.add(raw_of(options.case, verdict, samples))
        rows.add(row_of(options.case, verdict))
        say(json.dumps(rows.of(options.case)[-1]))
        seed += 1
    found = Counter(row["verdict"] for row in rows.of(options.case))
    print(json.dumps({"case": options.case, **found}))
    return 0


def say(line: str) -> None:
    """Tell a person how far it is."""
    print(line, file=sys.stderr, flush=True)


class Kept:
    """A list of rows in a JSON file, written whole after each one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.rows: list[dict[str, Any]] = (
            json.loads(path.read_text())["rows"] if path.exists() else []
        )

    def of(self, case: str) -> list[dict[str, Any]]:
        """Give the rows of one case."""
        return [row for row in self.rows if row["injected"] == case]

    def add(self, row: dict[str, Any]) -> None:
        """Add a row, and write them all down."""
        self.rows.append(row)
        lines = ",\n".join(json.dumps(each, separators=(",", ":")) for each in self.rows)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        whole = self._path.with_suffix(".new")
        whole.write_text(f'{{"rows": [\n{lines}\n]}}\n')
        whole.replace(self._path)


@contextmanager
def neighbour(case: str) -> Iterator[None]:
    """Have another program burn a core in bursts, where the case says so."""
    if case != "neighbour":
        yield
        return
    with subprocess.Popen((sys.executable, "-c", BURSTS)) as process:
        try:
            yield
        finally:
            process.kill()


def gate(case: str, version: str, seed: int, folder: Path) -> tuple[dict[str, Any], Path]:
    """Run one gate; give its verdict.json and its folder."""
    command = (
        *(sys.executable, "-m", "loadtests", "gate", "--json", "--samples"),
        *("--base", version, "--head", version, "--seed", str(seed), *CASES[case][0]),
        *("--out", str(folder)),
    )
    with neighbour(case):
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in {0, 1, 3}:
        raise SystemExit(done.returncode)
    verdict: dict[str, Any] = json.loads(done.stdout)
    return verdict, folder / verdict["facts"]["gate_id"]


def row_of(case: str, verdict: dict[str, Any]) -> dict[str, Any]:
    """Give a gate's row: what was injected, what was found, and what it took."""
    _, shown_by, right = CASES[case]
    shown = next(each for each in verdict["endpoints"] if each["endpoint"] == shown_by)
    change = shown["change"]
    worst = [each for each in verdict["endpoints"] if each["verdict"] == verdict["verdict"]]
    return {
        "injected": case,
        "verdict": verdict["verdict"],
        "right": right,
        "endpoint": shown_by,
        "endpoint_verdict": shown["verdict"],
        "estimate": change["estimate"],
        "low": change["low"],
        "high": change["high"],
        "starts": len(verdict["evidence"]["pairs"]),
        "blocks": len(verdict["evidence"]["blocks"]),
        "minutes": round(verdict["measured_s"] / 60, 3),
        "wall_minutes": round(verdict["facts"]["wall_s"] / 60, 3),
        "by": [each["endpoint"] for each in worst],
        "invalid": [each["code"] for each in verdict["findings"] if not each["warning"]],
        "seed": verdict["plan"]["seed"],
        "gate_id": verdict["facts"]["gate_id"],
        "cpu_model": verdict["machine"]["cpu_model"],
        # Of the gate that judged: its rules and loads change from time to time.
        "commit": git.commit_of(ROOT, "HEAD"),
    }


def raw_of(case: str, verdict: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Give a gate's figures compactly: for each pair and block what any rule may look at."""
    return {
        "injected": case,
        "gate_id": verdict["facts"]["gate_id"],
        "pairs": [pair_of(pair, folder / "samples") for pair in verdict["evidence"]["pairs"]],
        "blocks": [
            {
                f"{window['side']}{window['replicas']}": [
                    window["figures"]["throughput_rps"],
                    window["core_speed"],
                ]
                for window in block["windows"]
            }
            for block in verdict["evidence"]["blocks"]
        ],
    }


def pair_of(pair: dict[str, Any], samples: Path) -> dict[str, Any]:
    """Give a pair's figures of both sides, and how long its open requests took."""
    found: dict[str, Any] = {"at_s": pair["at_s"]}
    for side in ("base", "head"):
        closed = next(each[side] for each in pair["windows"] if each["mode"] == "closed")
        opened = [each[side] for each in pair["windows"] if each["mode"] == "open"]
        times = [
            taken
            for position, window in enumerate(pair["windows"])
            if window["mode"] == "open"
            for taken in durations_us(
                samples / f"{pair['worker']}-p{pair['number']:03d}-{position}-{side}.npz"
            )
        ]
        counts, _ = np.histogram(np.clip(times, EDGES_US[0], EDGES_US[-1]), bins=EDGES_US)
        found[side] = {
            "rps": closed["throughput_rps"],
            "cpu_us": closed["cpu_us_per_request"],
            "count": len(times),
            "quantiles_ms": quantiles_ms(times),
            "p99_ms": [each["p99_ms"] for each in opened],
            "mean_us": round(float(np.mean(times)), 1) if times else None,
            "sd_us": round(float(np.std(times)), 1) if times else None,
            "counts": counts.tolist(),
        }
    return found


def quantiles_ms(times_us: list[float]) -> list[float]:
    """Give evenly spaced quantiles, which stand for all times where medians are compared."""
    found = np.quantile(times_us, quantile_levels(QUANTILES)) / 1000 if times_us else np.array([])
    return [float(f"{each:.4g}") for each in found]


def durations_us(file: Path) -> list[float]:
    """Give the times of the requests that were due after the settling time."""
    with np.load(file, allow_pickle=False) as columns:
        inside = columns["due_us"] >= 0
        taken: list[float] = (columns["done_us"] - columns["due_us"])[inside].tolist()
        return taken


if __name__ == "__main__":
    sys.exit(main())
