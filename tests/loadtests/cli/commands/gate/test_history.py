from __future__ import annotations

from pathlib import Path
from typing import Any

from loadtests.model import errors


def test_without_a_history_it_is_said_how_one_is_made(twofold: Any) -> None:
    ended = twofold("gate", "history", "--json")

    assert ended.code == errors.EXIT_USAGE
    assert "Add gates to it: twofold gate --history." in ended.stderr


def test_without_merges_nothing_adds_up(twofold: Any, tmp_path: Path) -> None:
    (tmp_path / "history.jsonl").write_text("")

    ended = twofold("gate", "history", "--json")

    assert (ended.code, ended.document["merges"]) == (errors.EXIT_YES, 0)
