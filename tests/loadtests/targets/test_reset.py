from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.model.errors import ProcessFailure
from loadtests.model.plan import Plan
from loadtests.model.tested.external import Hooks
from loadtests.model.tested.target import Target, TargetKind
from loadtests.targets.reset import reset
from tests.loadtests.builders import make_plan


def plan(folder: Path, *command: str) -> Plan:
    tested = Target(
        kind=TargetKind.IMPORT_STRING,
        given="shop:app",
        name="shop:app",
        folder=str(folder),
        env={"WORD": "clean"},
    )
    return replace(make_plan(), tested=tested, reset_command=command)


def test_the_command_runs_in_the_targets_folder_with_its_variables(tmp_path: Path) -> None:
    program = "import os; open('state', 'w').write(os.environ['WORD'])"

    reset(plan(tmp_path, sys.executable, "-c", program))

    assert (tmp_path / "state").read_text() == "clean"


def test_a_hook_that_resets_runs_in_the_configurations_folder(tmp_path: Path) -> None:
    command = (sys.executable, "-c", "open('state', 'w').write('clean')")
    hooks = Hooks(reset=command, folder=str(tmp_path))
    planned = plan(tmp_path / "elsewhere", *command)

    reset(replace(planned, tested=replace(planned.tested, hooks=hooks)))

    assert (tmp_path / "state").read_text() == "clean"


def test_a_hook_that_resets_has_the_time_limit_of_hooks(tmp_path: Path) -> None:
    command = ("sleep", "60")
    planned = plan(tmp_path, *command)
    hooks = Hooks(reset=command, limit_s=0.2)

    with pytest.raises(ProcessFailure, match=r"failed before a round: .*did not end in 0\.2 s"):
        reset(replace(planned, tested=replace(planned.tested, hooks=hooks)))


def test_without_a_command_nothing_is_done(tmp_path: Path) -> None:
    reset(plan(tmp_path))


def test_a_command_that_fails_is_one_message_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(ProcessFailure, match=r"`.*` failed before a round: no db"):
        reset(plan(tmp_path, sys.executable, "-c", "import sys; sys.exit('no db')"))
