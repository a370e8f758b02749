#!/usr/bin/env python3
"""Measure the coverage of the intervals: runs the harness on systems whose true factor is 2.0.

With ``io`` under ``sync`` and ``gthread``, only worker slots limit the throughput, so the true
doubling factor is 2.0, and about 95 % of the intervals should contain it. The same is recorded for
``cpu``, with each factor split into the CPU that replicas got and the CPU per request.

    .venv/bin/python scripts/coverage.py --runs 6

Each run is written when it ends (results/coverage.json). ``--append`` continues a stopped campaign.
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
"""Rounds of a run of `io` by default: its intervals are narrow enough at the first look."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the campaign; return 0, or the exit code of a run that failed."""
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
    """Run the harness once and return its document; exit if it gives no verdict."""
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
    """Return one doubling's row, with whether its interval contains the truth."""
    low, high = doubling["low"], doubling["high"]
    columns = ("worker", "workload", "from", "to", "factor", "low", "high", "verdict")
    parts = ("cpu_got_factor", "cpu_per_request_factor")
    return {
        "run": number,
        "run_id": run["run_id"],
        "rounds": run["rounds"],
        **{key: doubling[key] for key in columns},
        "holds": low is not None and low <= TRUTH <= high,
        **({key: doubling[key] for key in parts} if doubling["workload"] == "cpu" else {}),
    }


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return counts and rows: of ``io``, whose truth is known, and below of ``cpu``."""

    def part(workload: str) -> dict[str, Any]:
        part_rows = [row for row in rows if row["workload"] == workload]
        holding = sum(row["holds"] for row in part_rows)
        return {"truth": TRUTH, "intervals": len(part_rows), "holding": holding, "rows": part_rows}

    return {"workload": "io", **part("io"), "cpu": part("cpu")}


if __name__ == "__main__":
    sys.exit(main())
