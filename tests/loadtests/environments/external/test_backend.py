from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.environments.external.backend import choose
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.tested.external import Hooks
from loadtests.model.tested.target import Target, TargetKind


def a_target(folder: Path) -> Target:
    hooks = Hooks(scale=("./scale.sh", "{replicas}"), replicas=("true",), folder=str(folder))
    return Target(
        kind=TargetKind.URL,
        given="web",
        name="web",
        url="http://127.0.0.1:8080",
        address="127.0.0.1",
        hooks=hooks,
    )


def test_a_hook_that_resets_has_to_be_there_before_anything_is_scaled(tmp_path: Path) -> None:
    tested = a_target(tmp_path)
    hooks = Hooks(scale=("true",), replicas=("true",), reset=("no-such-program", "now"))

    with pytest.raises(EnvironmentFailure, match=r"`no-such-program now` cannot run"):
        choose(replace(tested, hooks=hooks))


def test_a_hook_with_a_path_is_looked_for_in_the_configurations_folder(tmp_path: Path) -> None:
    script = tmp_path / "scale.sh"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)

    assert choose(a_target(tmp_path)).tested is not None
    with pytest.raises(EnvironmentFailure, match=r"'./scale\.sh' on PATH or from .*/elsewhere\."):
        choose(a_target(tmp_path / "elsewhere"))


def test_a_hook_whose_interpreter_is_relative_to_the_folder_is_accepted(tmp_path: Path) -> None:
    for folder in ("bin", "tools"):
        (tmp_path / folder).mkdir()
    (tmp_path / "tools" / "sh").symlink_to("/bin/sh")
    script = tmp_path / "bin" / "scale.sh"
    script.write_text("#!tools/sh\n")
    script.chmod(0o755)
    hooks = Hooks(scale=("bin/scale.sh",), replicas=("true",), folder=str(tmp_path))

    assert choose(replace(a_target(tmp_path), hooks=hooks)).tested is not None


@pytest.mark.parametrize(
    ("text", "mode", "told"),
    [
        ("#!/bin/sh\n", 0o644, r"It is not executable. Make it so: chmod \+x .*/scale\.sh\."),
        ("#!/bin/sh\r\n", 0o755, r"Its lines end as on Windows \(CRLF\)\. Convert it: sed "),
        ("kubectl scale\n", 0o755, r"Its first line does not say what runs it\. .*#!/bin/sh\."),
        ("#!/opt/no-shell\n", 0o755, r"Its first line names '/opt/no-shell', which is not there"),
    ],
)
def test_a_script_that_is_there_and_cannot_run_is_told_why(
    tmp_path: Path, text: str, mode: int, told: str
) -> None:
    script = tmp_path / "scale.sh"
    script.write_bytes(text.encode())
    script.chmod(mode)

    with pytest.raises(
        EnvironmentFailure, match=rf"hook `\./scale\.sh '{{replicas}}'` cannot run\. {told}"
    ):
        choose(a_target(tmp_path))
