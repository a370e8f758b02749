"""The command line outside of CI systems, over a stack in memory, in a folder of the test's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loadtests.cli.boundary import run_command_line
from loadtests.environments import registry
from loadtests.environments.protocol import Chosen
from loadtests.model import errors
from loadtests.model.machine import Machine
from loadtests.model.tested.target import SAMPLE, Target
from tests.loadtests.builders import make_machine
from tests.loadtests.cli.command_line import Ended
from tests.loadtests.fakes import FakeBackend, World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def machine() -> Machine:
    return make_machine()


@pytest.fixture(autouse=True)
def a_stack_in_memory(monkeypatch: pytest.MonkeyPatch, world: World, machine: Machine) -> None:
    def choose(asked: str, root: Path, tested: Target = SAMPLE, **_: Any) -> Chosen:
        assert (root / "compose").is_dir()
        if asked == "processes":
            raise errors.EnvironmentFailure("No nginx here. Install it.")
        return Chosen(backend=FakeBackend(world), machine=machine, why="for a test")

    monkeypatch.setattr(registry, "choose", choose)


@pytest.fixture(autouse=True)
def no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def twofold(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Any:
    def call(*argv: str, out: bool = True) -> Ended:
        results = ("--out", str(tmp_path)) if out else ()
        code = run_command_line([*argv, *results])
        streams = capsys.readouterr()
        return Ended(code, streams.out, streams.err)

    return call
