"""What the load left behind on both versions is taken back."""

from __future__ import annotations

import sys
from pathlib import Path

from loadtests.gate.options import GateOptions
from loadtests.gate.tested import resetting
from loadtests.model.tested.project import Project
from loadtests.model.tested.target import Target, TargetKind


def test_a_load_that_leaves_things_behind_is_taken_back_of_both_versions(tmp_path: Path) -> None:
    program = (
        "import os; open('log', 'a').write(' '.join(os.environ[name] for name in"
        " ('TWOFOLD_VERSION', 'DATABASE', 'MODE')) + chr(10))"
    )
    tested = Target(
        kind=TargetKind.DOCKERFILE, given=".", name="shop", env={"DATABASE": "d", "MODE": "m"}
    )
    project = Project(
        tested=tested,
        workers={},
        workloads={},
        default_workers=(),
        default_workloads=(),
        reset_command=(sys.executable, "-c", program),
    )
    options = GateOptions(project=project, folder=tmp_path, head_environment={"MODE": "new"})

    resetting.reset(options, tmp_path)

    assert (tmp_path / "log").read_text() == "base d m\nhead d new\n"
