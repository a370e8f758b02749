import os
import sys
from pathlib import Path

import pytest

from loadtests.cli import results_folder
from loadtests.environments.guards import machine_lock
from loadtests.model.errors import EnvironmentFailure, UsageError
from tests.checkout import CHECKOUT
from tests.ordinary_user import folder_for_all, ordinary_user


def test_the_folder_is_the_one_of_the_option_or_the_projects_own(tmp_path: Path) -> None:
    assert results_folder.of(tmp_path) == tmp_path
    assert results_folder.of(None) == CHECKOUT / "results"


def test_a_relative_folder_is_that_of_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert results_folder.of(Path("runs")) == tmp_path / "runs"


def test_the_command_is_as_a_person_would_type_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/twofold", "gate", "--workload", "/a b"])

    assert results_folder.command_line() == "twofold gate --workload '/a b'"


@pytest.mark.parametrize(
    ("words", "written"),
    [
        (("gate", "--workload", "/me?api_key=S3CRET"), "gate --workload '/me?api_key=***'"),
        (("gate", "--workload=/me?api_key=S3CRET"), "gate '--workload=/me?api_key=***'"),
        (
            ("run", "--request", "3 GET /me?a=b&token=S3CRET"),
            "run --request '3 GET /me?a=b&token=***'",
        ),
        (("run", "--request=GET /me?token=S3CRET"), "run '--request=GET /me?token=***'"),
        (("run", "--health", "/up?key=S3CRET"), "run --health '/up?key=***'"),
        (("run", "https://shop.example/?token=S3CRET"), "run 'https://shop.example/?token=***'"),
        (("run", "--reset-command", "psql -W S3CRET"), "run --reset-command '***'"),
        (("run", "--reset-command=psql -W S3CRET"), "run '--reset-command=***'"),
        (("run", "--request", "GET /search?q=token"), "run --request 'GET /search?q=token'"),
    ],
)
def test_the_command_has_no_secret_of_a_path_and_no_reset_command(
    monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], written: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["twofold", *words])

    assert results_folder.command_line() == f"twofold {written}"


def test_a_word_that_is_not_utf8_is_written_down_as_far_as_it_can_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "argv", ["twofold", "run", "--tags", os.fsdecode(b"caf\xe9")])

    assert results_folder.command_line() == "twofold run --tags 'caf\ufffd'"


def test_a_results_folder_whose_name_is_not_utf8_is_for_reading_only(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")

    assert results_folder.of(folder) == folder
    with pytest.raises(UsageError, match=r"caf\ufffd' has a name that is not UTF-8.*--out DIR"):
        results_folder.to_write_to(folder)


def test_the_default_is_the_latest_run_that_is_not_going_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(machine_lock.FOLDER_VARIABLE, str(tmp_path))
    results = tmp_path / "results"
    older, newer = (results / f"20261129-{at}-0001" for at in ("100000", "110000"))
    for folder in (older, newer):
        folder.mkdir(parents=True)
        (folder / "plan.json").touch()

    with machine_lock.held("", lambda _: None, wait=False) as lock:
        lock.note(newer)
        during = [results_folder.run_in(results, name) for name in (None, newer.name)]
        said = capsys.readouterr().err
        (older / "plan.json").unlink()
        alone = results_folder.run_in(results, None)
    after = results_folder.run_in(results, None)

    assert during == [older, newer]
    assert (
        said == f"Run {newer.name} is still going on. This is {older.name}, the latest before it.\n"
    )
    assert (alone, after) == (newer, newer)


@pytest.mark.parametrize(
    "note",
    [
        *("", "[]", "{", '{"pid": "x", "user": 1, "since": 2, "folder": 3}'),
        "[" * 1900,
        '{"pid": Infinity, "user": "a", "since": "b", "folder": "c"}',
    ],
)
def test_whatever_the_locks_file_says_the_latest_run_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, note: str
) -> None:
    monkeypatch.setenv(machine_lock.FOLDER_VARIABLE, str(tmp_path))
    (tmp_path / "twofold.lock").write_text(note)
    run = tmp_path / "results/20261129-100000-0001"
    run.mkdir(parents=True)
    (run / "plan.json").touch()

    assert results_folder.run_in(run.parent, None) == run


def test_a_folder_that_this_user_may_not_write_is_told_at_once() -> None:
    with folder_for_all() as place:
        closed = place / "closed"
        closed.mkdir()
        closed.chmod(0o555)
        with ordinary_user():
            with pytest.raises(EnvironmentFailure, match=f"{closed} cannot. Name another: --out"):
                results_folder.check_writable(closed / "results")
            results_folder.check_writable(place / "new/results")
