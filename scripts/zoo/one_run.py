"""Measures one member of the zoo once, in a process of its own: ``python -m scripts.zoo.one_run``.

Writes one JSON row to standard output. Whatever goes wrong ends this process and no other.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from loadtests import pipeline
from loadtests.cli.progress import PlainProgress
from loadtests.environments import registry
from loadtests.environments.processes.backend import ProcessesBackend
from loadtests.model.errors import TwofoldError
from loadtests.targets import checkout
from loadtests.tools import signals
from scripts.zoo.injection import FaultyBackend
from scripts.zoo.judging import Row, row_of
from scripts.zoo.members import BY_NAME, Member
from scripts.zoo.plans import BACKEND, WSGI_APP, plan_of


def main() -> int:
    """Measure the member that is named, and write its row."""
    parser = argparse.ArgumentParser()
    parser.add_argument("member", choices=sorted(BY_NAME))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=Path, required=True, help="where the run's files go")
    options = parser.parse_args()
    try:
        with signals.handled():
            row = measure(BY_NAME[options.member], seed=options.seed, runs=options.runs)
    except TwofoldError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(json.dumps(row))
    return 0


def measure(member: Member, *, seed: int, runs: Path) -> Row:
    """Run the harness on a member, and hold what it says against the truth."""
    with tempfile.TemporaryDirectory(prefix="zoo-") as folder:
        settings = {
            replicas: {key: text.format(folder=folder) for key, text in variables.items()}
            for replicas, variables in member.settings.items()
        }
        chosen = registry.choose(BACKEND, checkout.root())
        backend = ProcessesBackend(checkout.root(), settings=settings, wsgi_app=WSGI_APP)
        faulty = replace(chosen, backend=FaultyBackend(backend, member.inject()))
        request = pipeline.Request(
            plan=plan_of(member.shape, chosen.machine, seed=seed),
            chosen=faulty,
            results=runs,
            command=f"make truth ARGS='--members {member.name}'",
        )
        result, _ = pipeline.run(request, PlainProgress(sys.stderr))
    return row_of(member, result)


if __name__ == "__main__":
    sys.exit(main())
