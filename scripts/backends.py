#!/usr/bin/env python3
"""Do both backends measure the same? Has both stacks up at once, and compares them in turns.

Every round is measured on both, one after the other, now this one first and now that: minutes
apart, a shared machine differs from itself by more than the backends do. One metronome beats for
both, and every trial is stated for the mean core speed of all.

    export TWOFOLD_BASE_IMAGE=$(python3 scripts/base_image.py --suite bookworm)   # has Python 3.11
    .venv/bin/python scripts/backends.py

Both need the same Python, or they are different applications (3.11 takes 10 to 14 % more CPU for a
request of /cpu than 3.13).

Cells are compared by throughput per replica, doublings by their factor. Two figures agree where
their 95 % intervals overlap. Beside them stands the ratio of the two in the same round, which says
how much of a difference there is. The table goes to results/backends.json.
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

from loadtests.analysis import core_speed, estimates
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
"""The share of figures that should agree; of intervals that hold the truth some 99 % overlap."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the campaign; give 0 where enough figures agree, 1 where not, or a failure's code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--workload", default="cpu", help="as for twofold run (default cpu)")
    parser.add_argument("--workers", default="gthread,sync,gevent", help="as for twofold run")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--out", type=Path, default=RESULTS / "backends.json")
    options = parser.parse_args(argv)
    asked = Options(
        workloads=(options.workload,),
        workers=tuple(options.workers.split(",")),
        rounds=options.rounds,
        seed=secrets.randbelow(1000),
    )
    try:
        with signals.handled():
            arms = measure(check(asked, choices.of_a_run()))
    except TwofoldError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    trials = {name: list(arm.trials()) for name, arm in arms.items()}
    plan = arms[BACKENDS[0]].plan
    told = {
        "order": "rounds in turns",
        "runs": {name: arm.kept.folder.name for name, arm in arms.items()},
        "pythons": {name: arm.python for name, arm in arms.items()},
        "rounds": options.rounds,
        **compare(plan, at_one_speed(trials)),
    }
    options.out.parent.mkdir(exist_ok=True)
    options.out.write_text(json.dumps(told, indent=1) + "\n")
    print(json.dumps({key: told[key] for key in ("figures", "agreeing")}))
    return 0 if told["agreeing"] >= AGREEING * told["figures"] else 1


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One backend's stack, ready to be measured."""

    plan: Plan
    kept: Store
    session: Session
    python: str

    def trials(self) -> tuple[Trial, ...]:
        """Give what was measured on it and counts."""
        found = run_folder.read(self.kept.folder).trials
        return tuple(trial for trial in found if not trial.set_aside)


def measure(asked: Options) -> dict[str, Arm]:
    """Measure every round on both backends, each the first in every second one."""
    progress = PlainProgress(sys.stderr)
    with ExitStack() as up:
        arms: dict[str, Arm] = {}
        first = registry.choose(BACKENDS[0], checkout.root())
        plan = make_plan(asked, first.machine, backend=BACKENDS[0], seed=asked.seed or 0)
        cores = plan.budget.replica_cores or first.machine.core_ids
        metronome = up.enter_context(beating(cores))
        awake = up.enter_context(kept_awake(first.machine.core_ids, RESULTS / "awake.log"))
        shared = BothOfUs(awake, metronome)
        for name in BACKENDS:
            arms[name] = up.enter_context(arm(name, asked, Metronome(metronome), shared, progress))
        if len(pythons := {each.python for each in arms.values()}) > 1:
            raise SystemExit(
                f"The replicas of the two backends run Python {' and '.join(sorted(pythons))}. Give"
                " both the same: TWOFOLD_BASE_IMAGE names the image's, `make PYTHON=…` the other's."
            )
        for each in arms.values():
            each.session.prepare()
        for number, planned in enumerate(plan.rounds, start=1):
            for name in BACKENDS if number % 2 else reversed(BACKENDS):
                progress.say(f"round {number} of {len(plan.rounds)}: {name}")
                arms[name].session.measure_round(planned)
    return arms


@contextmanager
def arm(
    backend: str, asked: Options, metronome: Metronome, awake: Awake, progress: PlainProgress
) -> Iterator[Arm]:
    """Bring a backend's stack up."""
    chosen = registry.choose(backend, checkout.root())
    plan = make_plan(asked, chosen.machine, backend=backend, seed=asked.seed or 0)
    kept = Store.create(RESULTS / "backends-runs", run_folder.new_run_id(proc.now_s(), plan.seed))
    facts = RunFacts(
        run_id=kept.folder.name,
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        command="scripts/backends.py",
        wall_s=0.0,
        measuring_s=0.0,
        finished=False,
    )
    kept.begin(facts, chosen.machine, plan)
    with (
        chosen.backend.open(plan, kept.folder, progress.say) as stack,
        stack.start_generator() as generator,
    ):
        agent = Agent(generator)
        python = run_folder.versions_of(agent.hello())["python"]
        driver = Driver(stack, agent, metronome, awake)
        session = Session(plan, stack, driver, kept, progress, lambda: None)
        yield Arm(plan=plan, kept=kept, session=session, python=python)


@contextmanager
def beating(cores: Sequence[int]) -> Iterator[Child]:
    """Have one metronome for both stacks, on the cores of their replicas."""
    named = ",".join(map(str, cores))
    argv = (sys.executable, "-m", "loadtests.generator.metronome", named)
    with Child(argv, log=RESULTS / "metronome.log", cwd=ROOT) as child:
        yield child


class BothOfUs(Awake):
    """What is neither stack's and yet ours: cores kept awake, and the metronome."""

    def __init__(self, awake: Awake, metronome: Child) -> None:
        super().__init__(metronome.pid if awake.holds else None)
        self._awake = awake

    def cpu_s(self) -> float:
        """Give the CPU-seconds of both."""
        return self._awake.cpu_s() + super().cpu_s()


def at_one_speed(trials: dict[str, list[Trial]]) -> dict[str, list[Trial]]:
    """State all trials for the mean core speed of all; the slope is each backend's own."""
    marked = [
        in_cell(trial, replace(trial.spec.cell, worker=f"{trial.spec.cell.worker}@{backend}"))
        for backend, mine in trials.items()
        for trial in mine
    ]
    stated: dict[str, list[Trial]] = {backend: [] for backend in trials}
    for trial in core_speed.at_mean_speed(marked):
        worker, backend = trial.spec.cell.worker.split("@")
        stated[backend].append(in_cell(trial, replace(trial.spec.cell, worker=worker)))
    return stated


def in_cell(trial: Trial, cell: Cell) -> Trial:
    """Give a trial as of another cell."""
    return replace(trial, spec=replace(trial.spec, cell=cell))


def compare(plan: Plan, trials: dict[str, list[Trial]]) -> dict[str, Any]:
    """Give a row a cell and a row a doubling, with each backend's figure."""
    names = BACKENDS
    cells = {name: estimates.cells(plan, trials[name]) for name in names}
    doublings = {name: estimates.doublings(plan, trials[name]) for name in names}
    by_round = [estimates.trials_by_cell(trials[name]) for name in names]
    cell_rows: list[dict[str, Any]] = []
    for number, cell in enumerate(plan.cells):
        found = [cells[name][number] for name in names]
        row = {"worker": cell.worker, "workload": cell.workload, "replicas": cell.replicas}
        rates = [per_replica(each.throughput_rps, cell.replicas) for each in found]
        costs = {name: each.cpu_us_per_request for name, each in zip(names, found, strict=True)}
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
