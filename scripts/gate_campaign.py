#!/usr/bin/env python3
"""Measure how often the gate is wrong: runs real gates whose right verdict is known.

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
from loadtests.model.errors import EXIT_VERDICTS
from loadtests.tools import files, git
from scripts.zoo import image

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "results"

OWN_LOCK, SHARED_LOCK = "/tmp/lock", "/run/shared/lock"  # noqa: S108 (in the replica)
"""A file private to each replica, and one shared by a version's replicas (compose/gate.yaml)."""

LOST_SHARE = 1 / 0.9 - 1
"""Serial share s at which two replicas do 0.9 of twice the work: 2/(1 + s) = 0.9 × 2."""

LOCKED = (
    *("--workload", "/serial?ms=100"),
    *(f"--{side}-env=SERIAL_SHARE={LOST_SHARE:.4f}" for side in ("base", "head")),
    *("--base-env", f"SERIAL_LOCK={OWN_LOCK}", "--head-env", f"SERIAL_LOCK={SHARED_LOCK}"),
)
"""Both versions hold a lock, so that their single replicas are equally fast; only head's replicas
share one. Without a lock, base would answer in another rhythm: all slots at once, or none."""

CASES: dict[str, tuple[tuple[str, ...], str, str]] = {
    "aa": ((), "throughput", "pass"),
    "neighbour": ((), "throughput", "pass"),
    "burn2": (("--head-env", "BURN_PERCENT=2"), "cpu_per_request", "pass"),
    "burn5": (("--head-env", "BURN_PERCENT=5"), "cpu_per_request", "regressed"),
    "burn10": (("--head-env", "BURN_PERCENT=10"), "cpu_per_request", "regressed"),
    "lock": (LOCKED, "scaling", "regressed"),
}
"""Case → options that inject the effect, the endpoint that shows it, and the right verdict."""

BURST_S, REST_S = 2.0, 3.0
"""Length of the neighbour's bursts on one core, and of the pauses between them."""

BURSTS = f"""
import time
while True:
    end = time.monotonic() + {BURST_S}
    while time.monotonic() < end:
        pass
    time.sleep({REST_S})
"""

BUCKETS = 48
"""Buckets of response times, 0.1 ms to 10 s, each 27 % wide; for rules that look at requests."""

QUANTILES = 40
"""Quantiles of response times; for the medians."""

EDGES_US = np.geomspace(100, 10_000_000, BUCKETS + 1)


def main(argv: Sequence[str] | None = None) -> int:
    """Run gates of one case; return 0, or the exit code of a gate that failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--gates", type=int, default=10, help="rows to have of this case")
    parser.add_argument("--minutes", type=float, default=1e9, help="begin none after so many")
    parser.add_argument("--version", help="what base and head both are (default: the zoo's image)")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args(argv)
    rows, starts = (
        RowFile(options.out / name) for name in ("gate-error-rates.json", "gate-starts.json")
    )
    version = options.version or image.build(ROOT, say=say)
    deadline = time.monotonic() + 60 * options.minutes
    seed = 1 + max((row["seed"] for row in rows.of(options.case)), default=0)
    while len(rows.of(options.case)) < options.gates and time.monotonic() < deadline:
        folder = options.out / "gate-campaign"
        verdict, samples = gate(options.case, version, seed, folder)
        starts.add(starts_of(options.case, verdict, samples))
        rows.add(row_of(options.case, verdict))
        say(json.dumps(rows.of(options.case)[-1]))
        seed += 1
    verdicts = Counter(row["verdict"] for row in rows.of(options.case))
    print(json.dumps({"case": options.case, **verdicts}))
    return 0


def say(line: str) -> None:
    """Tell a person how far it is."""
    print(line, file=sys.stderr, flush=True)


class RowFile:
    """A list of rows in a JSON file, written whole after each one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.rows: list[dict[str, Any]] = (
            json.loads(path.read_text())["rows"] if path.exists() else []
        )

    def of(self, case: str) -> list[dict[str, Any]]:
        """Return the rows of one case."""
        return [row for row in self.rows if row["injected"] == case]

    def add(self, row: dict[str, Any]) -> None:
        """Add a row, and write the file."""
        self.rows.append(row)
        lines = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in self.rows)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        files.write(self._path, f'{{"rows": [\n{lines}\n]}}\n')


@contextmanager
def neighbour(case: str) -> Iterator[None]:
    """For the case ``neighbour``, run a program that burns a core in bursts."""
    if case != "neighbour":
        yield
        return
    with subprocess.Popen((sys.executable, "-c", BURSTS)) as process:
        try:
            yield
        finally:
            process.kill()


def gate(case: str, version: str, seed: int, folder: Path) -> tuple[dict[str, Any], Path]:
    """Run one gate; return its verdict.json and its folder."""
    command = (
        *(sys.executable, "-m", "loadtests", "gate", "--json", "--samples", "--no-profile"),
        *("--base", version, "--head", version, "--seed", str(seed), *CASES[case][0]),
        *("--out", str(folder)),
    )
    with neighbour(case):
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in EXIT_VERDICTS:
        raise SystemExit(done.returncode)
    verdict: dict[str, Any] = json.loads(done.stdout)
    return verdict, folder / verdict["facts"]["gate_id"]


def row_of(case: str, verdict: dict[str, Any]) -> dict[str, Any]:
    """Return a gate's row: the injected effect, the verdicts, and the minutes."""
    _, shown_by, right = CASES[case]
    shown = next(item for item in verdict["endpoints"] if item["endpoint"] == shown_by)
    change = shown["change"]
    worst = [item for item in verdict["endpoints"] if item["verdict"] == verdict["verdict"]]
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
        "by": [item["endpoint"] for item in worst],
        "invalid": [item["code"] for item in verdict["findings"] if not item["warning"]],
        "seed": verdict["plan"]["seed"],
        "gate_id": verdict["facts"]["gate_id"],
        "cpu_model": verdict["machine"]["cpu_model"],
        # The gate's rules and loads change from commit to commit.
        "commit": git.commit_of(ROOT, "HEAD"),
    }


def starts_of(case: str, verdict: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return the figures of a gate's pairs and blocks that any rule may need."""
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
    """Return a pair's figures for both versions, with the times of its open-loop requests."""
    figures: dict[str, Any] = {"at_s": pair["at_s"]}
    for side in ("base", "head"):
        closed = next(
            window_pair[side] for window_pair in pair["windows"] if window_pair["mode"] == "closed"
        )
        opened = [
            window_pair[side] for window_pair in pair["windows"] if window_pair["mode"] == "open"
        ]
        times = [
            taken
            for position, window in enumerate(pair["windows"])
            if window["mode"] == "open"
            for taken in durations_us(
                samples / f"{pair['worker']}-p{pair['number']:03d}-{position}-{side}.npz"
            )
        ]
        counts, _ = np.histogram(np.clip(times, EDGES_US[0], EDGES_US[-1]), bins=EDGES_US)
        figures[side] = {
            "rps": closed["throughput_rps"],
            "cpu_us": closed["cpu_us_per_request"],
            "count": len(times),
            "quantiles_ms": quantiles_ms(times),
            "p99_ms": [window_pair["p99_ms"] for window_pair in opened],
            "mean_us": round(float(np.mean(times)), 1) if times else None,
            "sd_us": round(float(np.std(times)), 1) if times else None,
            "counts": counts.tolist(),
        }
    return figures


def quantiles_ms(times_us: list[float]) -> list[float]:
    """Return evenly spaced quantiles, from which medians are compared, in milliseconds."""
    values_ms = (
        np.quantile(times_us, quantile_levels(QUANTILES)) / 1000 if times_us else np.array([])
    )
    return [float(f"{value_ms:.4g}") for value_ms in values_ms]


def durations_us(file: Path) -> list[float]:
    """Return the response times of requests due after the warm-up, in microseconds."""
    with np.load(file, allow_pickle=False) as columns:
        inside = columns["due_us"] >= 0
        taken: list[float] = (columns["done_us"] - columns["due_us"])[inside].tolist()
        return taken


if __name__ == "__main__":
    sys.exit(main())
