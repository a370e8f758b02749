#!/usr/bin/env python3
"""Compares the two backends: starts both stacks at once, and measures them in turns.

Every round is measured on both backends, which take turns at being first. Over minutes, a shared
machine changes more than the backends differ. One CPU speed probe serves both stacks, and every
trial is corrected to the mean core speed of all trials.

    export TWOFOLD_BASE_IMAGE=$(python3 scripts/base_image.py --suite bookworm)   # has Python 3.11
    .venv/bin/python scripts/backends.py

Both need the same Python version, because versions differ in speed.

Cells are compared by throughput per replica, doublings by their factor. Two figures agree if their
95 % intervals overlap. The ratio of the two in the same round shows how large the difference is.
The table goes to results/backends.json.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from loadtests.analysis import core_speed, estimates, intervals
from loadtests.cli import choices
from loadtests.cli.progress import PlainProgress
from loadtests.config.options import Options, check
from loadtests.environments import registry
from loadtests.environments.keep_awake import Awake, kept_awake
from loadtests.measurement.closed_loop import Session
from loadtests.measurement.core_speed_probe import Metronome
from loadtests.measurement.driver import Driver
from loadtests.measurement.generator_client import Agent
from loadtests.model.errors import TwofoldError
from loadtests.model.plan import Cell, Plan
from loadtests.model.result import Estimate, RunFacts
from loadtests.model.trial import Trial
from loadtests.planning.run_plan import make_plan
from loadtests.results import run_folder
from loadtests.results.run_folder import Store
from loadtests.targets import checkout
from loadtests.tools import proc, signals
from loadtests.tools.proc import Child

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "results"
BACKENDS = ("compose", "processes")
ROUNDS = 8

AGREEING = 0.9
"""Share of figures that must agree; if the backends are equal, about 99 % of intervals overlap."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the campaign; return 0 if enough figures agree, 1 if not, or a failure's exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--workload", default="cpu", help="as for twofold run (default cpu)")
    parser.add_argument("--workers", default="gthread,sync,gevent", help="as for twofold run")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--out", type=Path, default=RESULTS / "backends.json")
    options = parser.parse_args(argv)
    requested = Options(
        workloads=(options.workload,),
        workers=tuple(options.workers.split(",")),
        rounds=options.rounds,
        seed=secrets.randbelow(1000),
    )
    try:
        with signals.handled():
            arms = measure(check(requested, choices.of_a_run()))
    except TwofoldError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    trials = {name: list(arm.trials()) for name, arm in arms.items()}
    plan = arms[BACKENDS[0]].plan
    document = {
        "order": "rounds in turns",
        "runs": {name: arm.run.folder.name for name, arm in arms.items()},
        "pythons": {name: arm.python for name, arm in arms.items()},
        "rounds": options.rounds,
        **compare(plan, at_one_speed(trials)),
    }
    options.out.parent.mkdir(exist_ok=True)
    options.out.write_text(json.dumps(document, indent=1) + "\n")
    print(json.dumps({key: document[key] for key in ("figures", "agreeing")}))
    return 0 if document["agreeing"] >= AGREEING * document["figures"] else 1


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One backend's running stack, with the session that measures it."""

    plan: Plan
    run: Store
    session: Session
    python: str

    def trials(self) -> tuple[Trial, ...]:
        """Return its measured trials, except those set aside."""
        trials = run_folder.read(self.run.folder).trials
        return tuple(trial for trial in trials if not trial.set_aside)


def measure(requested: Options) -> dict[str, Arm]:
    """Measure every round on both backends; each is first in every second round."""
    progress = PlainProgress(sys.stderr)
    with ExitStack() as up:
        arms: dict[str, Arm] = {}
        first = registry.choose(BACKENDS[0], checkout.root())
        plan = make_plan(requested, first.machine, backend=BACKENDS[0], seed=requested.seed or 0)
        cores = plan.budget.replica_cores or first.machine.core_ids
        metronome = up.enter_context(shared_metronome(cores))
        awake = up.enter_context(kept_awake(first.machine.core_ids, RESULTS / "awake.log"))
        overhead = SharedOverhead(awake, metronome)
        for name in BACKENDS:
            arms[name] = up.enter_context(
                arm(name, requested, Metronome(metronome), overhead, progress)
            )
        if len(versions := {stack.python for stack in arms.values()}) > 1:
            raise SystemExit(
                f"The replicas of the two backends run Python {' and '.join(sorted(versions))}."
                " Use one version: TWOFOLD_BASE_IMAGE sets the image's, `make PYTHON=…` the"
                " other's."
            )
        for stack in arms.values():
            stack.session.prepare()
        for number, planned in enumerate(plan.rounds, start=1):
            for name in BACKENDS if number % 2 else reversed(BACKENDS):
                progress.say(f"round {number} of {len(plan.rounds)}: {name}")
                arms[name].session.measure_round(planned)
    return arms


@contextmanager
def arm(
    backend: str, requested: Options, metronome: Metronome, awake: Awake, progress: PlainProgress
) -> Iterator[Arm]:
    """Start a backend's stack and its generator."""
    chosen = registry.choose(backend, checkout.root())
    plan = make_plan(requested, chosen.machine, backend=backend, seed=requested.seed or 0)
    run = Store.create(RESULTS / "backends-runs", run_folder.new_run_id(proc.now_s(), plan.seed))
    facts = RunFacts(
        run_id=run.folder.name,
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        command="scripts/backends.py",
        wall_s=0.0,
        measuring_s=0.0,
        finished=False,
    )
    run.begin(facts, chosen.machine, plan)
    with (
        chosen.backend.open(plan, run.folder, progress.say) as stack,
        stack.start_generator() as generator,
    ):
        agent = Agent(generator)
        python = run_folder.versions_of(agent.hello())["python"]
        driver = Driver(stack, agent, metronome, awake)
        session = Session(plan, stack, driver, run, progress, lambda: None)
        yield Arm(plan=plan, run=run, session=session, python=python)


@contextmanager
def shared_metronome(cores: Sequence[int]) -> Iterator[Child]:
    """Run one CPU speed probe for both stacks, on the cores of their replicas."""
    named = ",".join(map(str, cores))
    argv = (sys.executable, "-m", "loadtests.generator.metronome", named)
    with Child(argv, log=RESULTS / "metronome.log", cwd=ROOT) as child:
        yield child


class SharedOverhead(Awake):
    """The processes that serve both stacks: the busy loops and the CPU speed probe."""

    def __init__(self, awake: Awake, metronome: Child) -> None:
        super().__init__(metronome.pid if awake.holds else None)
        self._awake = awake

    def cpu_s(self) -> float:
        """Return the CPU-seconds of busy loops and probe together."""
        return self._awake.cpu_s() + super().cpu_s()


def at_one_speed(trials: dict[str, list[Trial]]) -> dict[str, list[Trial]]:
    """Correct all trials to their mean core speed; each backend has its own slope."""
    marked = [
        in_cell(trial, replace(trial.spec.cell, worker=f"{trial.spec.cell.worker}@{backend}"))
        for backend, own_trials in trials.items()
        for trial in own_trials
    ]
    stated: dict[str, list[Trial]] = {backend: [] for backend in trials}
    for trial in core_speed.at_mean_speed(marked):
        worker, backend = trial.spec.cell.worker.split("@")
        stated[backend].append(in_cell(trial, replace(trial.spec.cell, worker=worker)))
    return stated


def in_cell(trial: Trial, cell: Cell) -> Trial:
    """Return a copy of a trial with another cell."""
    return replace(trial, spec=replace(trial.spec, cell=cell))


def compare(plan: Plan, trials: dict[str, list[Trial]]) -> dict[str, Any]:
    """Return one row per cell and one per doubling, with each backend's figure."""
    names = BACKENDS
    cells = {name: estimates.cells(plan, trials[name]) for name in names}
    doublings = {name: estimates.doublings(plan, trials[name]) for name in names}
    by_round = [estimates.trials_by_cell(trials[name]) for name in names]
    cell_rows: list[dict[str, Any]] = []
    for number, cell in enumerate(plan.cells):
        estimates_of_cell = [cells[name][number] for name in names]
        row = {"worker": cell.worker, "workload": cell.workload, "replicas": cell.replicas}
        rates = [
            per_replica(estimate.throughput_rps, cell.replicas) for estimate in estimates_of_cell
        ]
        costs = {
            name: estimate.cpu_us_per_request
            for name, estimate in zip(names, estimates_of_cell, strict=True)
        }
        ratio = estimates.throughput_ratio(*(rounds[cell] for rounds in by_round))
        cell_rows.append(
            {
                **row,
                "rps_per_replica": both(names, rates),
                "ratio_in_a_round": vars(ratio),
                "cpu_us_per_request": costs,
            }
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
    agreements = [row["rps_per_replica"]["agree"] for row in cell_rows]
    agreements += [row["factor"]["agree"] for row in factor_rows]
    return {
        "figures": len(agreements),
        "agreeing": sum(agreements),
        "cells": cell_rows,
        "doublings": factor_rows,
    }


def per_replica(rate: Estimate, replicas: int) -> Estimate:
    """Return a cell's throughput per replica."""
    values = (rate.estimate, rate.low, rate.high)
    shares = [None if value is None else value / replicas for value in values]
    return Estimate(estimate=shares[0], low=shares[1], high=shares[2])


def both(names: Sequence[str], figures: Sequence[Estimate]) -> dict[str, Any]:
    """Return both backends' figures, and whether their intervals overlap."""
    return {
        **{name: vars(figure) for name, figure in zip(names, figures, strict=True)},
        "agree": intervals.overlap(*figures),
    }


if __name__ == "__main__":
    sys.exit(main())
