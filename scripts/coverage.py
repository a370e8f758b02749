#!/usr/bin/env python3
"""Measure the coverage of the intervals: runs the harness on systems whose true factor is 2.0.

The sample application shares nothing between its replicas, so each doubling gives twice as much,
whatever is full: worker slots (``io``), CPU (``cpu``), the store's connections (``db``), or all of
them (``mixed``). About 95 % of the intervals should hold 2.0, and the mean of all factors should
be 2.0.

    .venv/bin/python -m scripts.coverage --runs compose,processes,compose-8

Each run is written when it ends (results/coverage.json), after what is there. A row also has what
the correction of the core speed made of the factor, and how far off that correction may be. Its
interval of chance alone and what was added for the machine's share stand apart, so that a later
rule for the share can be tried on rows whose runs are gone.
``--judge`` judges all runs that are kept in results/coverage-runs/ by the present rules, and leaves
the rows of others as they are.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from loadtests import pipeline
from loadtests.analysis import core_speed, estimates
from loadtests.analysis.shared import machine_share
from loadtests.model.errors import EXIT_VERDICTS
from loadtests.model.plan import Plan
from loadtests.model.result import DoublingResult
from loadtests.model.trial import Trial
from loadtests.results import run_folder
from loadtests.tools import proc, signals

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "results"
KEPT = RESULTS / "coverage-runs"

TRUTH = 2.0
WORKLOADS = "cpu,io,db,mixed"
WORKERS = "gthread,sync,gevent"
ROUNDS = 6
"""Rounds of a run: the fewest after which a run may stop by itself."""

LIMIT_S = 3600.0

RUNS: Mapping[str, tuple[str, ...]] = {
    "compose": ("--backend", "compose", "--replicas", "1,2,4"),
    "processes": ("--backend", "processes", "--replicas", "1,2,4"),
    "compose-8": ("--backend", "compose", "--replicas", "1,2,4,8"),
    "processes-8": ("--backend", "processes", "--replicas", "1,2,4,8"),
}
"""The kinds of runs. With 8 replicas on two cores each has half the budget, 0.05 CPU."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the campaign; return 0, or the exit code of a run that failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", default="compose", help=f"kinds in this order: {', '.join(RUNS)}")
    parser.add_argument("--workload", default=WORKLOADS, help=f"default {WORKLOADS}")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"default {ROUNDS}")
    parser.add_argument("--judge", action="store_true", help="judge kept runs; measure none")
    parser.add_argument("--out", type=Path, default=RESULTS / "coverage.json")
    options = parser.parse_args(argv)
    kinds = options.runs.split(",")
    if unknown := sorted(set(kinds) - set(RUNS)):
        parser.error(f"--runs has {', '.join(unknown)}; known: {', '.join(RUNS)}")
    rows: list[dict[str, Any]] = []
    if options.out.exists():
        rows = json.loads(options.out.read_text())["rows"]
    if options.judge:
        kept = sorted(path.parent.name for path in KEPT.glob("*/run.json"))
        names = list(dict.fromkeys((*(row["run_id"] for row in rows), *kept)))
        rows = [row for name in names for row in judged(name, rows)]
        write(options.out, rows)
    for number, kind in enumerate([] if options.judge else kinds, start=1):
        print(f"run {number} of {len(kinds)}: {kind}", file=sys.stderr, flush=True)
        words = ("--workload", options.workload, "--rounds", str(options.rounds))
        with signals.handled():
            rows += rows_of(KEPT / measure((*RUNS[kind], *words)))
        write(options.out, rows)
    print(json.dumps({key: value for key, value in summary(rows).items() if key != "rows"}))
    return 0


def measure(words: Sequence[str]) -> str:
    """Run the harness once, and return the run's name; exit if it gives no verdict."""
    argv = (
        *(sys.executable, "-m", "loadtests", "run", "--no-profile"),
        *("--workers", WORKERS, "--out", str(KEPT), *words),
    )
    before = set(KEPT.glob("*/run.json"))
    done = proc.run(
        argv,
        cwd=ROOT,
        timeout_s=LIMIT_S,
        check=False,
        on_line=lambda line: print(line.rstrip(), file=sys.stderr, flush=True),
    )
    made = set(KEPT.glob("*/run.json")) - before
    if done.code not in EXIT_VERDICTS or len(made) != 1:
        raise SystemExit(done.code or 1)
    return made.pop().parent.name


def judged(name: str, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a run's rows by the present rules; as they were, where the run is not kept."""
    if (KEPT / name).is_dir():
        return list(rows_of(KEPT / name))
    return [row for row in rows if row["run_id"] == name]


def rows_of(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield a row for each doubling of a recorded run."""
    recorded = run_folder.read(folder)
    result = pipeline.conclude(recorded)
    measured = [trial for trial in recorded.trials if not trial.set_aside]
    corrections = correction_of(result.plan, measured)
    for doubling in result.doublings:
        low, high = doubling.factor.low, doubling.factor.high
        chance = machine_share.of_chance(doubling)
        yield {
            "run_id": result.facts.run_id,
            "backend": result.plan.backend,
            "workload": doubling.workload,
            "worker": doubling.worker,
            "from": doubling.replicas_from,
            "to": doubling.replicas_to,
            "replica_cpus": result.plan.budget.replica_cpus,
            "rounds": doubling.rounds,
            "factor": doubling.factor.estimate,
            "low": low,
            "high": high,
            "chance_low": chance.low,
            "chance_high": chance.high,
            "machine_share_ratio": doubling.machine_share_ratio,
            "holds": low is not None and high is not None and low <= TRUTH <= high,
            "verdict": doubling.verdict.value,
            "run_verdict": result.verdict.value,
            "broken": sorted({finding.code for finding in result.broken}),
            "cpu_per_request_factor": doubling.cpu_per_request_factor,
            **corrections[str(doubling)],
            "processor": result.machine.cpu_model,
        }


def correction_of(plan: Plan, measured: Sequence[Trial]) -> dict[str, dict[str, float | None]]:
    """Return what the correction of the core speed made of each doubling's factor.

    ``correction_ratio`` is the factor over that of the uncorrected trials.
    ``correction_error_ratio`` is one standard error of it, which comes from the slope's.
    """
    trials = core_speed.at_mean_speed(measured)
    plain = [core_speed.as_measured(trial) for trial in trials]
    corrections: dict[str, dict[str, float | None]] = {}
    for with_it, without in zip(
        estimates.doublings(plan, trials), estimates.doublings(plan, plain), strict=True
    ):
        ratio = error = None
        if with_it.factor.estimate and without.factor.estimate:
            ratio = with_it.factor.estimate / without.factor.estimate
            its = [trial for trial in plain if is_of(trial, with_it)]
            cells = (at(its, with_it.replicas_from), at(its, with_it.replicas_to))
            error = core_speed.slope_error(its) * abs(core_speed.speed_change(*cells))
        corrections[str(with_it)] = {"correction_ratio": ratio, "correction_error_ratio": error}
    return corrections


def is_of(trial: Trial, doubling: DoublingResult) -> bool:
    """Return whether a trial is of the doubling's worker model and workload."""
    cell = trial.spec.cell
    return (cell.worker, cell.workload) == (doubling.worker, doubling.workload)


def at(trials: Sequence[Trial], replicas: int) -> list[Trial]:
    """Return the trials of this number of replicas."""
    return [trial for trial in trials if trial.spec.cell.replicas == replicas]


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the counts, of all rows and of each kind of run, above the rows."""
    kinds: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        kinds.setdefault(f"{row['backend']}, {row['replica_cpus'] or 0:g} CPU", []).append(row)
        kinds.setdefault(f"{row['workload']}, {row['worker']}", []).append(row)
    return {
        "truth": TRUTH,
        **counts(rows),
        "kinds": {name: counts(its) for name, its in sorted(kinds.items())},
        "rows": list(rows),
    }


def counts(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return how many intervals there are, how many hold the truth, and the mean factor."""
    known = [row for row in rows if row["low"] is not None and row["high"] is not None]
    return {
        "intervals": len(known),
        "holding": sum(bool(row["holds"]) for row in known),
        "mean_factor": fmean(row["factor"] for row in known) if known else None,
    }


def write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the file."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(summary(rows), indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
