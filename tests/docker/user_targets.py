"""Runs of people's own images, for tests on the Docker engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.cli.boundary import run_command_line
from loadtests.config.options import Options
from loadtests.environments.compose import machine
from loadtests.environments.compose.stack import ComposeStack
from loadtests.planning.run_plan import make_plan
from loadtests.targets import checkout, plain
from loadtests.targets import registry as targets
from tests.docker.test_run import left_of

SHOP = """\
from flask import Flask

app = Flask(__name__)


@app.get("/")
def index():
    return {"sum": sum(range(20_000))}
"""


@contextmanager
def opened(
    text: str, folder: Path, results: Path, *, workers: tuple[str, ...] | None = None
) -> Iterator[ComposeStack]:
    """Start two replicas of a target, as a run does, and take them down again."""
    tested = targets.recognise(text, folder)
    chosen = machine.choose(checkout.root(), tested)
    project = replace(plain.project(tested), tested=chosen.tested or tested)
    options = Options(replicas=(1, 2), workers=workers)
    plan = make_plan(options, chosen.machine, backend="compose", seed=1, project=project)
    results.mkdir()
    with chosen.backend.open(plan, results, lambda _: None) as stack:
        assert isinstance(stack, ComposeStack)
        yield stack


def outcome(
    capsys: pytest.CaptureFixture[str], results: Path, target: str, *words: str
) -> tuple[int, str]:
    """Run a target by the command line; give the exit code and the message without progress."""
    run = ("run", target, "--backend", "compose", "--replicas", "1,2", "--out", str(results))
    code = run_command_line([*run, *words])
    shown = capsys.readouterr()
    assert shown.out == ""
    assert 'Traceback (most recent call last):\n  File "' + str(checkout.PACKAGE) not in shown.err
    for folder in results.glob("*"):
        assert left_of(folder.name) == {}
    return code, shown.err[shown.err.index("twofold: ") :]
