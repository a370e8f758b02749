"""The size of what a build would send to the engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.environments.compose.tested import build_context
from loadtests.model.errors import UsageError
from tests.ordinary_user import folder_for_all, ordinary_user


def a_file(path: Path, size: int) -> None:
    """Make a file that has a size but takes no room."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size)


def test_a_context_of_10_gb_is_refused_with_what_is_large(tmp_path: Path) -> None:
    a_file(tmp_path / "data/a.bin", 9 * 10**9)
    a_file(tmp_path / ".git/pack", 10**9)
    a_file(tmp_path / "app.py", 100)

    with pytest.raises(UsageError) as refusal:
        build_context.check(tmp_path, tmp_path / "Dockerfile")

    said = str(refusal.value)
    assert f"The build context {tmp_path} has 10.0 GB" in said
    assert "data (9.0 GB), .git (1.0 GB)" in said
    assert str(tmp_path / ".dockerignore") in said
    assert "--image" in said


@pytest.mark.parametrize("name", [".dockerignore", "Dockerfile.dockerignore"])
def test_what_is_ignored_is_not_counted(tmp_path: Path, name: str) -> None:
    a_file(tmp_path / "data/a.bin", 9 * 10**9)
    a_file(tmp_path / "app.py", 100)
    (tmp_path / name).write_text("# heavy\n\ndata\n")

    build_context.check(tmp_path, tmp_path / "Dockerfile")

    sizes = build_context.sizes_of(tmp_path, ["data"])
    assert set(sizes) == {"app.py", name}


def test_an_exception_to_what_is_ignored_is_counted(tmp_path: Path) -> None:
    a_file(tmp_path / "data/a.bin", 500)
    a_file(tmp_path / "data/keep.txt", 70)

    assert build_context.sizes_of(tmp_path, ["data/*", "!data/keep.txt"]) == {"data": 70}


def test_a_closed_folder_is_left_to_the_builder() -> None:
    """It says which folder it cannot read."""
    with folder_for_all() as place:
        (place / "pgdata").mkdir(mode=0)
        (place / ".dockerignore").write_text("*.log\n")

        with ordinary_user():
            build_context.check(place, place / "Dockerfile")
