"""Variables of a Compose file, as Compose fills them in."""

from __future__ import annotations

import os
from pathlib import Path

from loadtests.targets.compose_file import variables

VALUES = {"A": "a", "EMPTY": ""}


def test_texts_are_filled_in_at_any_depth() -> None:
    web = {"environment": {"X": "${GONE}$A"}, "command": ["say", "$A"], "build": {"context": "$A"}}

    filled = variables.filled({"web": {**web, "ports": [80]}}, Path("/none"), VALUES)

    assert filled.services["web"] == {
        "environment": {"X": "a"},
        "command": ["say", "a"],
        "build": {"context": "a"},
        "ports": [80],
    }
    assert filled.unset == {"web": ("GONE",)}


def test_what_a_service_says_wins_over_its_file_and_the_process_over_the_folders(
    tmp_path: Path,
) -> None:
    (tmp_path / ".env").write_text("A=file\nB=${A}\n# C=no\nD = '$A' # raw\nnonsense\n")
    (tmp_path / "web.env").write_text("B=of web\nE=\r\n")
    web = {"env_file": ["web.env", "gone.env"], "environment": ["A", "D", "GONE", "F=$B"]}

    values = variables.of_folder(tmp_path, VALUES)
    filled = variables.filled({"web": web}, tmp_path, values)

    assert filled.services["web"]["environment"] == {
        "A": "a",
        "B": "of web",
        "D": "$A",
        "E": "",
        "F": "a",
    }
    assert filled.unset == {"web": ()}


def test_a_file_of_variables_may_use_those_of_the_service_and_of_an_earlier_file(
    tmp_path: Path,
) -> None:
    (tmp_path / "one.env").write_bytes(b"\xef\xbb\xbfUSER=ada\n")
    (tmp_path / "two.env").write_text("URL=postgresql://${USER}@${DB_HOST}/shop\n")
    web = {"env_file": ["one.env", "two.env"], "environment": {"DB_HOST": "db"}}

    filled = variables.filled({"web": web}, tmp_path, {})

    assert filled.services["web"]["environment"]["URL"] == "postgresql://ada@db/shop"


def test_a_pipe_is_no_file_of_variables(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".env")
    services = {"web": {"env_file": ".env", "environment": {"A": "${A}"}}}

    assert variables.filled(services, tmp_path, {}).unset == {"web": ("A",)}


def test_files_of_variables_that_the_shell_names_are_read_instead_of_the_folders(
    tmp_path: Path,
) -> None:
    for name, text in {".env": "A=1\nB=1\n", "one.env": "A=2\nC=2\n", "two.env": "C=$A\n"}.items():
        (tmp_path / name).write_text(text)
    named = {"COMPOSE_ENV_FILES": "one.env, two.env"}

    assert variables.of_folder(tmp_path, named) == {**named, "A": "2", "C": "2"}
    assert variables.of_folder(tmp_path, {})["B"] == "1"
    assert variables.of_folder(tmp_path, named, [".env"])["B"] == "1"
