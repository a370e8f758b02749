"""Whatever is wrong in a configuration: exit 2, every mistake with its line and its key."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.loadtests.config.malformed import ONE_MISTAKE, SEVERAL_MISTAKES

MARK = re.compile(r"#! (?P<key>[^#\n]*[^#\s])")
TOLD = re.compile(r"^  (?P<file>\S+):(?P<line>\d+): (?P<key>[^:]*): (?P<what>.+)$", re.MULTILINE)


def planted(text: str) -> list[tuple[int, str]]:
    """The mistakes that a text is marked with: line and key."""
    return [
        (number, match["key"])
        for number, line in enumerate(text.splitlines(), start=1)
        for match in MARK.finditer(line)
    ]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder with an application, a locustfile and a list of words."""
    (tmp_path / "shop.py").write_text("")
    (tmp_path / "locustfile.py").write_text("")
    (tmp_path / "words.csv").write_text("word,count\nred,1\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_there_are_more_than_a_hundred() -> None:
    assert len(ONE_MISTAKE) + len(SEVERAL_MISTAKES) >= 100
    assert len({*ONE_MISTAKE, *SEVERAL_MISTAKES}) == len(ONE_MISTAKE) + len(SEVERAL_MISTAKES)


@pytest.mark.parametrize("text", [*ONE_MISTAKE, *SEVERAL_MISTAKES])
def test_every_mistake_is_said_with_file_line_and_key_and_none_is_invented(
    twofold: Any, folder: Path, text: str
) -> None:
    (folder / "twofold.toml").write_text(text)

    ended = twofold("plan", "--backend", "compose")

    assert ended.code == 2
    assert "Traceback" not in ended.stderr
    told = list(TOLD.finditer(ended.stderr))
    assert {match["file"] for match in told} == {"twofold.toml"}
    assert [(int(match["line"]), match["key"]) for match in told] == planted(text), ended.stderr


def test_the_same_mistake_in_pyproject_has_its_line_there(twofold: Any, folder: Path) -> None:
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "shop"\n\n[tool.twofold]\ntarget = "shop:app"\nrounds = 1\n'
    )

    ended = twofold("plan")

    assert ended.code == 2
    assert ended.stderr == (
        "twofold: pyproject.toml has a mistake:\n"
        "  pyproject.toml:6: tool.twofold.rounds: Expected at least 2, got 1."
        " Example: rounds = 8\n"
    )
