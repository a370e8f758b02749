#!/usr/bin/env python3
"""Do both backends measure the same? Runs each in turn on this machine and compares them.

The same plan goes to Compose, processes, processes, Compose, so that a drift of the machine meets
both alike; every trial is stated for the mean core speed of all four runs, and the two runs of a
backend are taken together.

    export TWOFOLD_BASE_IMAGE=$(python3 scripts/base_image.py --suite bookworm)   # has Python 3.11
    .venv/bin/python scripts/backends.py

Both need the same Python, or they are different applications (3.11 takes 10 to 14 % more CPU for a
request of /cpu than 3.13), and metronomes that cannot be compared.

Cells are compared by throughput per replica, doublings by their factor. Two figures agree where
their 95 % intervals overlap. The table goes to results/backends.json.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from loadtests import analysis, corespeed, store
from loadtests.model import Cell, Estimate, Plan, Trial

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "results"
ORDER = ("compose", "processes", "processes", "compose")
ROUNDS = 4
"""By run; eight for each backend, whose intervals are then about as narrow as a run's own."""

AGREEING = 0.9
"""The share of figures that should agree; of intervals that hold the truth some 99 % overlap."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the campaign; give 0 where enough figures agree, 1 where not, or a run's exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--workload", default="cpu", help="as for twofold run (default cpu)")
    parser.add_argument("--out", type=Path, default=RESULTS / "backends.json")
    options = parser.parse_args(argv)
    trials: dict[str, list[Trial]] = {}
    runs, plan = [], None
    for number, backend in enumerate(ORDER):
        print(f"run {number + 1} of {len(ORDER)}: {backend}", file=sys.stderr, flush=True)
        run = measure(backend, options.workload)
        recorded = store.read(RESULTS / "backends-runs" / run["run_id"])
        runs.append(
            {
                "backend": backend,
                "run_id": run["run_id"],
                "verdict": run["verdict"],
                "python": run["versions"]["python"],
            }
        )
        if len(pythons := {each["python"] for each in runs}) > 1:
            raise SystemExit(
                f"The replicas of the two backends run Python {' and '.join(sorted(pythons))}. Give"
                " both the same: TWOFOLD_BASE_IMAGE names the image's, `make PYTHON=…` the other's."
            )
        plan = recorded.plan
        trials.setdefault(backend, []).extend(
            in_round(trial, trial.spec.round + number * ROUNDS)
            for trial in recorded.trials
            if not trial.set_aside
        )
    assert plan is not None
    told = {"order": runs, **compare(plan, at_one_speed(trials))}
    options.out.parent.mkdir(exist_ok=True)
    options.out.write_text(json.dumps(told, indent=1) + "\n")
    print(json.dumps({key: told[key] for key in ("figures", "agreeing")}))
    return 0 if told["agreeing"] >= AGREEING * told["figures"] else 1


def measure(backend: str, workload: str) -> dict[str, Any]:
    """Run the harness once; its verdict may be any, but it has to be one."""
    command = (
        *(sys.executable, "-m", "loadtests", "run", "--json", "--backend", backend),
        *("--workload", workload, "--rounds", str(ROUNDS)),
        *("--out", str(RESULTS / "backends-runs")),
    )
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in {0, 1, 3}:
        raise SystemExit(done.returncode)
    run: dict[str, Any] = json.loads(done.stdout)
    return run


def in_round(trial: Trial, number: int) -> Trial:
    """Give a trial as of another round, so that those of several runs stay apart."""
    return replace(trial, spec=replace(trial.spec, round=number))


def at_one_speed(trials: dict[str, list[Trial]]) -> dict[str, list[Trial]]:
    """State all trials for the mean core speed of all; the slope is each backend's own."""
    marked = [
        in_cell(trial, replace(trial.spec.cell, worker=f"{trial.spec.cell.worker}@{backend}"))
        for backend, mine in trials.items()
        for trial in mine
    ]
    stated: dict[str, list[Trial]] = {backend: [] for backend in trials}
    for trial in corespeed.at_mean_speed(marked):
        worker, backend = trial.spec.cell.worker.split("@")
        stated[backend].append(in_cell(trial, replace(trial.spec.cell, worker=worker)))
    return stated


def in_cell(trial: Trial, cell: Cell) -> Trial:
    """Give a trial as of another cell."""
    return replace(trial, spec=replace(trial.spec, cell=cell))


def compare(plan: Plan, trials: dict[str, list[Trial]]) -> dict[str, Any]:
    """Give a row a cell and a row a doubling, with each backend's figure."""
    names = tuple(dict.fromkeys(ORDER))
    cells = {name: analysis.cells(plan, trials[name]) for name in names}
    doublings = {name: analysis.doublings(plan, trials[name]) for name in names}
    cell_rows: list[dict[str, Any]] = []
    for number, cell in enumerate(plan.cells):
        found = [cells[name][number] for name in names]
        row = {"worker": cell.worker, "workload": cell.workload, "replicas": cell.replicas}
        rates = [per_replica(each.throughput_rps, cell.replicas) for each in found]
        costs = {name: each.cpu_us_per_request for name, each in zip(names, found, strict=True)}
        cell_rows.append(
            {**row, "rps_per_replica": both(names, rates), "cpu_us_per_request": costs}
        )
    factor_rows: list[dict[str, Any]] = [
        {
            "worker": first.worker,
            "workload": first.workload,
            "from": first.replicas_from,
            "to": first.replicas_to,
            "factor": both(names, [first.factor, second.factor]),
        }
        for first, second in zip(*(doublings[name] for name in names), strict=True)
    ]
    told = [row["rps_per_replica"]["agree"] for row in cell_rows]
    told += [row["factor"]["agree"] for row in factor_rows]
    return {
        "figures": len(told),
        "agreeing": sum(told),
        "cells": cell_rows,
        "doublings": factor_rows,
    }


def per_replica(rate: Estimate, replicas: int) -> Estimate:
    """Give a cell's throughput by replica."""
    values = (rate.estimate, rate.low, rate.high)
    shares = [None if value is None else value / replicas for value in values]
    return Estimate(estimate=shares[0], low=shares[1], high=shares[2])


def both(names: Sequence[str], found: Sequence[Estimate]) -> dict[str, Any]:
    """Give both backends' figures, and whether their intervals overlap."""
    first, second = found
    known = None not in (first.low, first.high, second.low, second.high)
    agree = known and first.low <= second.high and second.low <= first.high  # type: ignore[operator]
    return {**{name: vars(each) for name, each in zip(names, found, strict=True)}, "agree": agree}


if __name__ == "__main__":
    sys.exit(main())
