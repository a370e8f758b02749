#!/usr/bin/env python3
"""Does a deployment that a command scales measure as the same one does under Compose?

    .venv/bin/python -m scripts.by_command        # six pairs of runs, of about three minutes each

Each pair has the sample application with one worker model: once by ``twofold run --backend
compose``, and once by ``twofold run --url`` on containers that ``scripts/own_deployment`` starts
and removes. Both have the same images, budgets and cores, and who is first takes turns. The machine
should be idle otherwise.

A shared machine changes its speed from one run to the next by more than these intervals are wide.
So the speed probe runs in both, and throughput is compared at one speed, as scripts/backends.py
does; what the runs told by themselves stands beside it. A cell overlaps if the two 95 % intervals
of its throughput do. The table goes to results/by_command.json: ``cells`` how many there are,
``overlapping`` how many overlap (at least 90 % should), a row for each, and the doublings' verdicts
of both. Pairs that it has are not measured again. The runs are kept in results/by_command/.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from loadtests.analysis import estimates, intervals
from loadtests.config.options import Options
from loadtests.environments import registry
from loadtests.environments.compose import images
from loadtests.environments.keep_awake import kept_awake
from loadtests.environments.owner import Owner
from loadtests.measurement.serving import keep_alive
from loadtests.model.errors import EnvironmentFailure, TwofoldError
from loadtests.model.plan import Budget, Plan
from loadtests.model.result import Estimate
from loadtests.model.trial import Trial
from loadtests.planning.budget import cores_used, service_parts
from loadtests.planning.run_plan import make_plan
from loadtests.results import run_folder
from loadtests.servers import idle_connections
from loadtests.servers import registry as servers
from loadtests.targets import checkout
from loadtests.tools import docker, files, signals
from scripts import backends, swarm
from scripts.own_deployment import configuration, containers
from scripts.own_deployment.core_speeds import listening, with_speeds
from scripts.own_deployment.state import Order

RUNS = swarm.RESULTS / "by_command"

COMPOSE, COMMAND = "compose", "command"

WORKLOAD = "cpu"
TIMES = 2

OVERLAPPING = 0.9
"""Share of cells that should overlap; if both measure the same, about 99 % of intervals do."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """One run of a pair: its plan, its counting trials with core speeds, and its run.json."""

    plan: Plan
    trials: tuple[Trial, ...]
    result: Mapping[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure the pairs that are missing; return 0 if enough cells overlap."""
    given = parse(argv)
    rows, pairs = there_in(given.out)
    have = {(pair["worker"], pair["time"]) for pair in pairs}
    asked = [(name, time) for time in range(1, given.times + 1) for name in given.workers]
    try:
        for number, (worker, time) in enumerate(asked, start=1):
            if (worker, time) in have:
                continue
            say(f"pair {number} of {len(asked)}: {worker}")
            with signals.handled():
                containers.remove_dead(say)
                sides = measured(worker, given, first=(COMPOSE, COMMAND)[(number - 1) % 2])
            key = {"worker": worker, "time": time}
            rows += [key | row for row in cells_of(sides)]
            pairs.append(key | pair_of(sides))
            table = table_of(rows, pairs)
            write(given.out, table)
            say(in_short(table))
    except TwofoldError as error:
        say(str(error))
        return error.exit_code
    table = table_of(rows, pairs)
    print(in_short(table))
    return 0 if table["overlapping"] >= OVERLAPPING * table["cells"] else 1


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the options; ``workers`` is a list."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--workers", default="gthread,sync,gevent", help="as for twofold run")
    parser.add_argument("--replicas", default="1,2,4", help="as for twofold run")
    parser.add_argument("--times", type=int, default=TIMES, help="pairs of each worker model")
    parser.add_argument("--rounds", help="as for twofold run; by default as many as it takes")
    parser.add_argument("--out", type=Path, default=swarm.RESULTS / "by_command.json")
    given = parser.parse_args(argv)
    given.workers = given.workers.split(",")
    return given


# -- measuring ------------------------------------------------------------------------------------


def measured(worker: str, given: argparse.Namespace, *, first: str) -> dict[str, Side]:
    """Measure a pair, and return its two sides."""
    budget = budget_of(worker, given.replicas)
    words: tuple[str, ...] = ("--workload", WORKLOAD, "--replicas", given.replicas, "--no-profile")
    words += ("--rounds", given.rounds) if given.rounds else ()
    sides: dict[str, Side] = {}
    for side in (first, COMMAND if first == COMPOSE else COMPOSE):
        with tempfile.TemporaryDirectory(prefix="twofold-by-command-") as name:
            if side == COMPOSE:
                sides[side] = by_compose(worker, budget, words, Path(name))
            else:
                sides[side] = by_command(worker, budget, words, Path(name))
    return sides


def budget_of(worker: str, replicas: str) -> Budget:
    """Return the budget that Compose's run gives each replica, and the cores of each role."""
    counts = tuple(int(count) for count in replicas.split(","))
    options = Options(workers=(worker,), workloads=(WORKLOAD,), replicas=counts)
    machine = registry.choose(COMPOSE, checkout.root()).machine
    budget = make_plan(options, machine, backend=COMPOSE, seed=0).budget
    if budget.replica_cpus is None:
        raise EnvironmentFailure(
            f"Replicas have no CPU budget here ({budget.reason}), so two runs on the same cores"
            " would not be alike. Measure where the engine can limit CPU."
        )
    return budget


def by_compose(worker: str, budget: Budget, words: Sequence[str], folder: Path) -> Side:
    """Measure the application under Compose; raise if it had another budget."""
    (folder / "twofold.toml").write_text('[tool.twofold]\ntarget = "sample"\n')
    words = (*words, "--workers", worker)
    result = swarm.run(COMPOSE, words, folder, env={}, runs=RUNS)
    side = side_of(result)
    if side.plan.budget != budget:
        raise EnvironmentFailure(
            f"Compose's run had the budget {side.plan.budget}, and not {budget}, so the two runs"
            " of this pair would not be alike. Did the number of cores change?"
        )
    return side


def by_command(worker: str, budget: Budget, words: Sequence[str], folder: Path) -> Side:
    """Bring the application up, measure it by its URL and its commands, and remove it."""
    order = order_of(worker, budget)
    try:
        state = containers.bring_up(order, folder)
        (folder / "twofold.toml").write_text(configuration.text_for(state.url, folder))
        generator = service_parts(budget.service_cores)[0]
        words = (*words, "--generator-processes", str(len(generator) or 1))
        probe = containers.probe_argv(order)
        with (
            listening(probe, log=folder / "probe.log") as beats,
            kept_awake(cores_used(budget), folder / "awake.log"),
            on_cores(generator),
        ):
            state_home = {"XDG_STATE_HOME": str(folder)}
            result = swarm.run("external", words, folder, env=state_home, runs=RUNS)
    finally:
        with signals.shield():
            containers.remove(order.name, folder)
    side = side_of(result)
    return replace(side, trials=with_speeds(side.trials, beats, settle_s=side.plan.timing.settle_s))


def order_of(worker: str, budget: Budget) -> Order:
    """Return what the deployment is made of, with the images that Compose's run has."""
    root = checkout.root()
    model = servers.worker_models()[worker]
    with closing(docker.Engine()) as engine:
        built = images.build_all(engine, root, say=say)
    kept = idle_connections.allowed(keep_alive.declared(model))
    assert budget.replica_cpus is not None
    return Order(
        name=f"by-command-{os.getpid()}-{secrets.token_hex(3)}",
        owner=Owner.this_process().as_label(),
        app=built.app,
        proxy=built.proxy,
        probe=built.generator,
        env={
            **servers.of(model).container(model).env,
            "SECRET_KEY": "only for the load test by_command",
            "DATABASE_URL": "",
        },
        cpus=budget.replica_cpus,
        replica_cores=budget.replica_cores,
        proxy_cores=service_parts(budget.service_cores)[1],
        template=(root / "compose/nginx.conf.j2").read_text(),
        idle=None if kept is None else (kept.most, kept.timeout_s),
    )


def side_of(result: Mapping[str, Any]) -> Side:
    """Return a side from a run's result, with the trials of its folder."""
    recorded = run_folder.read(RUNS / str(result["run_id"]))
    trials = tuple(trial for trial in recorded.trials if not trial.set_aside)
    return Side(plan=recorded.plan, trials=trials, result=result)


@contextmanager
def on_cores(cores: Sequence[int]) -> Iterator[None]:
    """Let what is started in this block run on these cores, as Compose's generator does."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


# -- comparing ------------------------------------------------------------------------------------


def cells_of(sides: Mapping[str, Side]) -> list[dict[str, Any]]:
    """Return a row for each cell: both estimates at one speed of the cores, and as told."""
    names = (COMPOSE, COMMAND)
    stated = backends.at_one_speed({name: list(sides[name].trials) for name in names})
    rates = {name: by_replicas(sides[name].plan, stated[name]) for name in names}
    told = {
        name: {row["replicas"]: Estimate(**row["throughput_rps"]) for row in side.result["cells"]}
        for name, side in sides.items()
    }
    return [
        {
            "replicas": count,
            **overlap(*(rates[name][count] for name in names)),
            "as_told": overlap(*(told[name][count] for name in names)),
        }
        for count in sides[COMPOSE].plan.replica_counts
    ]


def pair_of(sides: Mapping[str, Side]) -> dict[str, Any]:
    """Return how the two runs of a pair ended, and both verdicts of each doubling."""
    results = {name: sides[name].result for name in (COMPOSE, COMMAND)}
    return {
        "runs": {name: result["run_id"] for name, result in results.items()},
        "verdicts": {name: result["verdict"] for name, result in results.items()},
        "invalid": {
            name: sorted({entry["code"] for entry in result.get("invalid", ())})
            for name, result in results.items()
        },
        "wall_s": {name: round(result["wall_s"], 1) for name, result in results.items()},
        "rounds": {name: result["rounds"] for name, result in results.items()},
        "replica_cpus": sides[COMPOSE].plan.budget.replica_cpus,
        "doublings": doublings(results),
    }


def by_replicas(plan: Plan, trials: Sequence[Trial]) -> dict[int, Estimate]:
    """Return the throughput of each number of replicas."""
    cells = estimates.cells(plan, trials)
    return {cell.cell.replicas: cell.throughput_rps for cell in cells}


def overlap(compose: Estimate, command: Estimate) -> dict[str, Any]:
    """Return both estimates, and whether their intervals overlap."""
    return {
        COMPOSE: vars(compose),
        COMMAND: vars(command),
        "overlap": intervals.overlap(compose, command),
    }


def doublings(results: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return both verdicts of each doubling, and whether they are the same."""
    keys = ("factor", "low", "high", "verdict")
    commands = {(row["from"], row["to"]): row for row in results[COMMAND]["doublings"]}
    rows = []
    for row in results[COMPOSE]["doublings"]:
        other = commands[(row["from"], row["to"])]
        rows.append(
            {
                "from": row["from"],
                "to": row["to"],
                COMPOSE: {key: row[key] for key in keys},
                COMMAND: {key: other[key] for key in keys},
                "same": row["verdict"] == other["verdict"],
            }
        )
    return rows


# -- the table ------------------------------------------------------------------------------------


def there_in(out: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rows and the pairs that are there already."""
    if not out.exists():
        return [], []
    table = json.loads(out.read_text())
    return table["rows"], table["pairs"]


def table_of(
    rows: Sequence[Mapping[str, Any]], pairs: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the table: how many cells there are, how many overlap, rows and pairs."""
    doubled = [row for pair in pairs for row in pair["doublings"]]
    return {
        "cells": len(rows),
        "overlapping": sum(bool(row["overlap"]) for row in rows),
        "overlapping_as_told": sum(bool(row["as_told"]["overlap"]) for row in rows),
        "doublings": len(doubled),
        "same_verdicts": sum(bool(row["same"]) for row in doubled),
        "rows": list(rows),
        "pairs": list(pairs),
    }


def in_short(table: Mapping[str, Any]) -> str:
    """Return the figures of a table, in one line."""
    return json.dumps({name: table[name] for name in ("cells", "overlapping", "same_verdicts")})


def write(out: Path, table: Mapping[str, Any]) -> None:
    """Write the table, all of it or nothing."""
    out.parent.mkdir(parents=True, exist_ok=True)
    files.write(out, json.dumps(table, indent=1) + "\n")


def say(line: str) -> None:
    """Write a line of progress to standard error."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
