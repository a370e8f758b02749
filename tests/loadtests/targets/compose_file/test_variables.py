"""Variables of a Compose file, as Compose fills them in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from loadtests.targets.compose_file import variables

VALUES = {"A": "a", "EMPTY": ""}


@pytest.mark.parametrize(
    ("text", "value", "unset"),
    [
        ("$A-${A}", "a-a", ()),
        ("$$A", "$A", ()),
        ("${GONE}", "", ("GONE",)),
        ("${GONE:?say it}", "", ("GONE",)),
        ("${GONE-b}${GONE:-c}", "bc", ()),
        ("${EMPTY-b}${EMPTY:-c}", "c", ()),
        ("${A:+on}${GONE:+on}", "on", ()),
        ("100 $ and ${}", "100 $ and ${}", ()),
    ],
)
def test_a_text_is_filled_in(tmp_path: Path, text: str, value: str, unset: tuple[str, ...]) -> None:
    services = {"web": {"environment": {"X": text}, "command": ["say", text], "ports": [80]}}

    filled = variables.filled(services, tmp_path, VALUES)

    assert filled.services["web"] == {
        "environment": {"X": value},
        "command": ["say", value],
        "ports": [80],
    }
    assert filled.unset == {"web": unset}


def test_what_a_service_says_wins_over_its_file_and_the_process_over_the_folders(
    tmp_path: Path,
) -> None:
    (tmp_path / ".env").write_text("A=file\nB=${A}\n# C=no\nD = '$A' # raw\nnonsense\n")
    (tmp_path / "web.env").write_text("B=of web\nE=\r\n")
    web = {"env_file": ["web.env", "gone.env"], "environment": ["A", "D", "GONE", "F=$B"]}

    filled = variables.filled({"web": web}, tmp_path, VALUES)

    assert filled.services["web"]["environment"] == {
        "A": "a",
        "B": "of web",
        "D": "$A",
        "E": "",
        "F": "a",
    }
    assert filled.unset == {"web": ()}


def test_a_pipe_is_no_file_of_variables(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".env")
    services = {"web": {"env_file": ".env", "environment": {"A": "${A}"}}}

    assert variables.filled(services, tmp_path, {}).unset == {"web": ("A",)}
