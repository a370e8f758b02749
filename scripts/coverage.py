#!/usr/bin/env python3
"""How often do the intervals hold the truth? Runs the harness on systems whose truth is 2.0.

On ``io`` under ``sync`` and ``gthread`` slots alone are full, so doubling the replicas doubles the
throughput and nothing else can be right: every interval should hold 2.0, and 95 % of them will.
Beside it the same for ``cpu``, each factor taken apart into CPU got and CPU per request.

    .venv/bin/python scripts/coverage.py --runs 6

Each run is written down as it ends (results/coverage.json); a campaign that was stopped goes on
where it was with ``--append``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "results"
TRUTH = 2.0
WORKLOADS = ("io", "cpu")
WORKERS = "sync,gthread"
ROUNDS = 6
"""As many as a run of `io` takes by itself: its intervals are narrow enough at the first look."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the campaign and give 0, or the exit code of a run that could not be made."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=6, help="how many runs (default 6)")
    parser.add_argument("--append", action="store_true", help="add to the runs that are there")
    parser.add_argument("--out", type=Path, default=RESULTS / "coverage.json")
    options = parser.parse_args(argv)
    options.out.parent.mkdir(exist_ok=True)
    rows: list[dict[str, Any]] = []
    if options.append and options.out.exists():
        before = json.loads(options.out.read_text())
        rows = [*before["rows"], *before["cpu"]["rows"]]
    first = 1 + max((row["run"] for row in rows), default=0)
    for number in range(first, first + options.runs):
        print(f"run {number} of {first + options.runs - 1}", file=sys.stderr, flush=True)
        run = measure()
        rows += [row_of(number, run, doubling) for doubling in run["doublings"]]
        options.out.write_text(json.dumps(summary(rows), indent=1) + "\n")
    print(json.dumps({key: summary(rows)[key] for key in ("intervals", "holding")}))
    return 0


def measure() -> dict[str, Any]:
    """Run the harness once; its verdict may be any, but it has to be one."""
    command = (
        *(sys.executable, "-m", "loadtests", "run", "--json"),
        *("--workload", ",".join(WORKLOADS), "--workers", WORKERS, "--rounds", str(ROUNDS)),
        *("--out", str(RESULTS / "coverage-runs")),
    )
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in {0, 1, 3}:
        raise SystemExit(done.returncode)
    run: dict[str, Any] = json.loads(done.stdout)
    return run


def row_of(number: int, run: dict[str, Any], doubling: dict[str, Any]) -> dict[str, Any]:
    """Return one doubling's row: what was found, and whether its interval holds the truth."""
    low, high = doubling["low"], doubling["high"]
    kept = ("worker", "workload", "from", "to", "factor", "low", "high", "verdict")
    parts = ("cpu_got_factor", "cpu_per_request_factor")
    return {
        "run": number,
        "run_id": run["run_id"],
        "rounds": run["rounds"],
        **{key: doubling[key] for key in kept},
        "holds": low is not None and low <= TRUTH <= high,
        **({key: doubling[key] for key in parts} if doubling["workload"] == "cpu" else {}),
    }


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the counts and the rows, those of ``io`` (whose truth is known) on top."""

    def part(workload: str) -> dict[str, Any]:
        mine = [row for row in rows if row["workload"] == workload]
        holding = sum(row["holds"] for row in mine)
        return {"truth": TRUTH, "intervals": len(mine), "holding": holding, "rows": mine}

    return {"workload": "io", **part("io"), "cpu": part("cpu")}


if __name__ == "__main__":
    sys.exit(main())
