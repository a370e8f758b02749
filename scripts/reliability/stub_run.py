"""A whole run, or a whole gate, on stacks in memory: the real pipeline, journal and reports.

``python -m scripts.reliability.stub_run run|gate DIR [N]`` writes ``begun`` once all is imported,
and ``said N`` whenever somebody is told that N trials are finished. With N, the disk is full from
the N-th write below DIR on (0: never). At its end it then writes ``writes COUNT``, and ``failed
FILE`` for each write that failed.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from loadtests import pipeline
from loadtests.config.options import Options
from loadtests.environments.protocol import Chosen
from loadtests.gate import pipeline as gate_pipeline
from loadtests.gate.options import GateOptions
from loadtests.gate.request import GateRequest
from loadtests.model.errors import TwofoldError
from loadtests.model.plan import Plan
from loadtests.model.trial import Trial
from loadtests.planning.run_plan import make_plan
from scripts.reliability import full_disk
from tests.loadtests.builders import make_machine
from tests.loadtests.fakes import FakeBackend, World
from tests.loadtests.fakes.gate import GateWorld, put_in_memory, slower_head

ROUNDS = 6

CHECKOUT = Path(__file__).resolve().parent.parent.parent


class Teller:
    """Tells how many trials are finished."""

    def say(self, line: str) -> None:
        """Write a line of progress."""
        print(line, file=sys.stderr, flush=True)

    def planned(self, plan: Plan) -> None:
        """Do nothing."""

    def measured(self, trials: Sequence[Trial]) -> None:
        """Write the number of trials."""
        print(f"said {len(trials)}", flush=True)

    def close(self) -> None:
        """Do nothing."""


def main(kind: str, results: Path, full_from: int | None = None) -> int:
    """Run it, on a disk that is full from a write on, and return the exit code."""
    print("begun", flush=True)
    if full_from is None:
        return _told(kind, results)
    with pytest.MonkeyPatch.context() as patches:
        disk = full_disk.install(patches, results, full_from)
        code = _told(kind, results)
    print(f"writes {disk.count}")
    for name in disk.failed:
        print(f"failed {name}", flush=True)
    return code


def _told(kind: str, results: Path) -> int:
    try:
        (_run if kind == "run" else _gate)(results)
    except TwofoldError as error:
        print(f"twofold: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _run(results: Path) -> None:
    rng = Random(1)
    world = World(rps=lambda _, members: 50.0 * len(members) * rng.lognormvariate(0, 0.01))
    options = replace(Options(workers=("gthread",), replicas=(1, 2)), rounds=ROUNDS)
    machine = make_machine()
    request = pipeline.Request(
        plan=make_plan(options, machine, backend="fake", seed=1),
        chosen=Chosen(backend=FakeBackend(world), machine=machine, why="in memory"),
        results=results,
        command="twofold run --seed 1",
    )
    pipeline.run(request, Teller())


def _gate(results: Path) -> None:
    with pytest.MonkeyPatch.context() as patches:
        put_in_memory(patches, GateWorld(rps=slower_head(0.0)))
        request = GateRequest(
            options=GateOptions(),
            seed=1,
            root=CHECKOUT,
            here=results,
            results=results,
            command="twofold gate",
        )
        gate_pipeline.run(request, Teller().say)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), *map(int, sys.argv[3:])))
