"""What all checks cost in a trial: ``python -m scripts.zoo.cost``.

One small run with everything timed that only checks: reading all counters at both edges of a
window, asking proxy and replicas for their counts, reducing the samples, and the rules, as often as
the run holds them against its trials. CPU is that of the harness's own threads; what the metronome
uses of the replicas' core is told beside it, because it is an instrument and no check.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtests import pipeline
from loadtests.analysis import samples
from loadtests.analysis.rules import registry as rules
from loadtests.cli.progress import PlainProgress
from loadtests.environments import registry
from loadtests.measurement import closed_loop
from loadtests.measurement.driver import Driver
from loadtests.measurement.server_counters import ServerCounters
from loadtests.model.vocabulary import Role
from loadtests.results.run_folder import read
from loadtests.targets import checkout
from loadtests.tools import signals
from scripts.zoo.plans import BACKEND, Shape, plan_of

WALL_LIMIT_MS = 50.0
CPU_LIMIT_RATIO = 0.02

SHAPE = Shape(workload="cpu", replicas=(1, 2, 4), rounds=4)


@dataclass
class Spent:
    """Time that was spent in what is timed, over all calls."""

    wall_s: float = 0.0
    cpu_s: float = 0.0
    calls: int = 0

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Give the function, timed from now on."""

        def call(*args: Any, **kwargs: Any) -> Any:
            wall_s, cpu_s = time.perf_counter(), time.thread_time()
            try:
                return function(*args, **kwargs)
            finally:
                self.wall_s += time.perf_counter() - wall_s
                self.cpu_s += time.thread_time() - cpu_s
                self.calls += 1

        return call


def instrumented() -> dict[str, Spent]:
    """Time every check of this process from now on, by its name."""
    spent = {name: Spent() for name in ("edges", "counts", "reduce", "disturbed", "rules")}
    for owner, attribute, name in (
        (Driver, "_edge", "edges"),
        (ServerCounters, "start", "counts"),
        (ServerCounters, "finish", "counts"),
        (samples, "reduce", "reduce"),
        (closed_loop, "disturbed", "disturbed"),
        (rules, "check", "rules"),
    ):
        setattr(owner, attribute, spent[name].timed(getattr(owner, attribute)))
    return spent


def row_of(spent: dict[str, Spent], *, trials: int, wall_s: float, metronome: float) -> Any:
    """Give the row: milliseconds and CPU of one trial, in all and by part."""
    wall_ms = 1000 * sum(part.wall_s for part in spent.values()) / trials
    ratio = sum(part.cpu_s for part in spent.values()) / wall_s
    return {
        "truth": f"at most {WALL_LIMIT_MS:g} ms a trial and {CPU_LIMIT_RATIO:.0%} of one core",
        "verdict": f"{wall_ms:.1f} ms, {ratio:.1%}",
        "figures": {
            "checks_wall_ms": wall_ms,
            "checks_cpu_ratio": ratio,
            "checks_parts": {
                name: {
                    "wall_ms": 1000 * part.wall_s / trials,
                    "cpu_ms": 1000 * part.cpu_s / trials,
                    "calls": part.calls,
                }
                for name, part in spent.items()
            },
            "checks_trials": trials,
            "metronome_cpu_ratio": metronome,
        },
        "right": wall_ms <= WALL_LIMIT_MS and ratio <= CPU_LIMIT_RATIO,
        "wrong_scales": False,
        "wrong_because": [],
    }


def main() -> int:
    """Measure one run with everything timed, and write the row."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=Path, required=True)
    options = parser.parse_args()
    spent = instrumented()
    with signals.handled():
        chosen = registry.choose(BACKEND, checkout.root())
        request = pipeline.Request(
            plan=plan_of(SHAPE, chosen.machine, seed=options.seed),
            chosen=chosen,
            results=options.runs,
            command="make truth ARGS='--members cost'",
        )
        _, folder = pipeline.run(request, PlainProgress(sys.stderr))
    trials = read(folder).trials
    beats = [
        usage.cpu_s / usage.span_s
        for trial in trials
        for usage in trial.usages
        if usage.member == Role.METRONOME
    ]
    row = row_of(
        spent,
        trials=len(trials),
        wall_s=sum(trial.wall_s for trial in trials),
        metronome=sum(beats) / len(beats) if beats else 0.0,
    )
    print(json.dumps(row))
    return 0


if __name__ == "__main__":
    sys.exit(main())
