"""The variables of a target on their way into the container that imports it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtests.environments.compose import project_image
from loadtests.model.errors import ProcessFailure
from loadtests.targets import import_string
from loadtests.tools import proc
from loadtests.tools.docker import pulse
from loadtests.tools.proc import Completed
from tests.loadtests.environments.compose.test_project_image import SEEN
from tests.loadtests.targets.application.folders import make_folder

LINES = "SHOP_SETTINGS"
"""A name of no secret, whose value of several lines fits into no file."""


def test_no_variable_of_a_target_steers_the_program_that_starts_its_container(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[Mapping[str, str], str]] = []

    def run(argv: Sequence[str], **options: Any) -> Completed:
        file = Path(argv[argv.index("--env-file") + 1])
        seen.append((options["env"], file.read_text()))
        assert "/theirs" not in " ".join(argv)
        return Completed(argv=tuple(argv), code=0, stdout=SEEN, stderr="")

    monkeypatch.setattr(pulse, "run", run)

    make_folder(tmp_path, {"shop.py": "app = None\n"})
    tested = replace(
        import_string.find("shop", tmp_path),
        env={"PATH": "/theirs", "HOME": "/theirs", "SHOP_KEY": "secret"},
    )
    project_image.inspect("sha256:built", tested, lambda _: None)

    assert seen == [({"SHOP_KEY": "secret"}, "PATH=/theirs\nHOME=/theirs\n")]


def test_no_value_is_in_the_message_of_an_engine_that_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hang(argv: Sequence[str], **_: Any) -> Completed:
        if "--env" not in argv:  # removes the container
            return Completed(argv=tuple(argv), code=0, stdout="", stderr="")
        assert f"{LINES}=a\nsecret" in argv
        command = shlex.join(proc.tied(argv))
        raise ProcessFailure(f"The Docker engine no longer answers. `{command}` was ended.")

    monkeypatch.setattr(pulse, "run", hang)
    make_folder(tmp_path, {"shop.py": "app = None\n"})
    tested = replace(import_string.find("shop", tmp_path), env={LINES: "a\nsecret"})

    with pytest.raises(ProcessFailure, match=rf"no longer answers.*--env {LINES} ") as failure:
        project_image.inspect("sha256:built", tested, lambda _: None)

    assert "secret" not in str(failure.value)
