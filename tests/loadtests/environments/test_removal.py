"""What dead runs have left goes before the next one."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.environments import removal
from loadtests.model.errors import EnvironmentFailure
from loadtests.tools import temporary


def test_the_next_run_removes_temporary_folders_of_dead_ones_and_says_what_it_cannot(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    removed, kept = (tmp_path / f"{temporary.PREFIX}{name}" for name in ("a", "b"))
    remove, said = temporary.remove, list[str]()
    for folder in (removed, kept):
        folder.mkdir(mode=0o700)

    def refuse(path: Path) -> None:
        if path == kept:
            raise EnvironmentFailure("It cannot be removed.")
        remove(path)

    monkeypatch.setattr(temporary, "remove", refuse)

    removal.remove_dead((), said.append)

    assert list(tmp_path.iterdir()) == [kept]
    assert said == ["It cannot be removed."]
