"""The folder of a stack goes as a whole, or is found again."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.environments.processes import leftovers
from loadtests.model.errors import EnvironmentFailure
from tests.loadtests.environments.processes.test_leftovers import make_stack
from tests.ordinary_user import folder_for_all, ordinary_user


def test_a_folder_that_a_member_has_closed_is_removed_with_the_stack(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with folder_for_all() as temporary, ordinary_user():
        monkeypatch.setattr("tempfile.tempdir", str(temporary))
        folder = make_stack(boot="the last one")
        closed = leftovers.temporary_of(folder) / "modules/flask"
        closed.mkdir(parents=True)
        (closed / "file").touch()
        closed.chmod(0o500)

        leftovers.clear(folder)

        assert not folder.exists()


def test_a_stack_that_cannot_be_removed_is_a_failure_and_is_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = make_stack(started="before")
    (folder / "tmp").mkdir()

    def refuse(path: Path) -> None:
        raise PermissionError(1, "Operation not permitted", str(path))

    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", refuse)
        with pytest.raises(EnvironmentFailure, match=r"removed \(Operation not permitted"):
            leftovers.clear(folder)

    assert leftovers.abandoned() == (folder,)
    leftovers.clear(folder)
    assert not folder.exists()


def test_a_folder_for_temporary_files_that_is_full_is_a_failure_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def full(**_: str) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.mkdtemp", full)

    with pytest.raises(EnvironmentFailure, match=r"No space left on device.*TMPDIR=DIR"):
        leftovers.make()


def test_a_stacks_folder_that_was_half_made_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(leftovers, "STARTED", "no/such/folder")

    with pytest.raises(EnvironmentFailure):
        leftovers.make()

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("pid", ["²", "9" * 5000, "-1", ""])
def test_a_note_that_names_no_process_hinders_no_removal(
    pid: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = make_stack()
    (folder / leftovers.STARTED / "sync-1").write_text(f"{pid} 1")

    leftovers.clear(folder)

    assert not folder.exists()
