import os
from pathlib import Path

import pytest

from loadtests.model.errors import UsageError
from loadtests.targets.application import build_context
from tests.loadtests.targets.application.folders import make_folder
from tests.ordinary_user import folder_for_all, ordinary_user


def names(folder: Path) -> set[str]:
    return {str(path) for path in build_context.find(folder).files}


def test_what_no_application_needs_is_left_out(tmp_path: Path) -> None:
    make_folder(
        tmp_path,
        {
            "shop/__init__.py": "",
            "shop/__pycache__/x.pyc": "",
            ".git/config": "",
            "node_modules/a/index.js": "",
            ".venv/pyvenv.cfg": "",
            "env3/pyvenv.cfg": "",
            "env3/bin/python": "",
            "results/run/run.json": "",
            "templates/index.html": "",
            ".env": "",
        },
    )

    assert names(tmp_path) == {"shop/__init__.py", "templates/index.html", ".env"}


def test_results_are_left_out_only_where_they_are_runs_of_twofold(tmp_path: Path) -> None:
    kept = {
        "results/__init__.py": "",
        "results/rank.csv": "",
        "results/2026/plan.txt": "",
        "shop/results/__init__.py": "",
        "shop/results/old/plan.json": "",
        "templates/results/list.html": "",
        "templates/results/history.jsonl": "",
    }
    ours = {
        "results/20261129-053312-ab12/samples/a.bin": "",
        "results/gate-20261129-053312-ab12/report.html": "",
        "results/named/plan.json": "",
        "results/history.jsonl": "",
    }
    make_folder(tmp_path, {**kept, **ours})

    assert names(tmp_path) == set(kept)


def test_dockerignore_is_honoured_with_its_exceptions(tmp_path: Path) -> None:
    make_folder(
        tmp_path,
        {
            ".dockerignore": "# data\n*.log\ndata\n!data/keep.csv\n",
            "a.log": "",
            "data/big.csv": "",
            "data/keep.csv": "",
            "shop.py": "",
        },
    )

    assert names(tmp_path) == {".dockerignore", "data/keep.csv", "shop.py"}


def test_links_are_copied_as_links_and_not_followed(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "project", {"shop.py": "x"})
    (folder / "loop").symlink_to(folder)
    (folder / "other.py").symlink_to("shop.py")

    build_context.copy(build_context.find(folder), tmp_path / "copy")

    assert (tmp_path / "copy/other.py").readlink() == Path("shop.py")
    assert (tmp_path / "copy/loop").is_symlink()
    assert (tmp_path / "copy/shop.py").read_text() == "x"


def make_sparse(path: Path, size: int) -> None:
    with path.open("wb") as file:
        os.truncate(file.fileno(), size)


def test_a_large_folder_is_told_with_its_largest_parts(tmp_path: Path) -> None:
    make_folder(tmp_path, {"shop.py": "x", "data/a": ""})
    make_sparse(tmp_path / "data/a", 400 * 10**6)

    note = build_context.note(build_context.find(tmp_path))

    assert note is not None
    assert "400 MB" in note
    assert "data (400 MB), shop.py (0 MB)" in note
    assert ".dockerignore" in note


def test_a_usual_folder_needs_no_word(tmp_path: Path) -> None:
    make_folder(tmp_path, {"shop.py": "x"})

    assert build_context.note(build_context.find(tmp_path)) is None


def test_a_folder_of_10_gb_is_refused_before_anything_is_copied(tmp_path: Path) -> None:
    make_folder(tmp_path, {"shop.py": "x", "videos/a": ""})
    make_sparse(tmp_path / "videos/a", 10 * 10**9)

    with pytest.raises(UsageError, match=r"10\.0 GB.*videos \(10000 MB\).*\.dockerignore"):
        build_context.find(tmp_path)


def test_what_is_no_file_and_names_that_are_no_utf_8_stop_nothing(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "project", {"shop.py": "x"})
    os.mkfifo(folder / "pipe")
    strange = os.fsdecode(b"caf\xe9.txt")
    (folder / strange).write_text("x")

    build_context.copy(build_context.find(folder), tmp_path / "copy")

    assert {path.name for path in (tmp_path / "copy").iterdir()} == {"shop.py", strange}


def test_a_file_that_cannot_be_copied_is_named(tmp_path: Path) -> None:
    context = build_context.find(make_folder(tmp_path / "project", {"shop.py": "x", "a": ""}))
    (tmp_path / "project/a").unlink()

    with pytest.raises(
        UsageError, match=r"project/a cannot be copied .*No such file.*dockerignore"
    ):
        build_context.copy(context, tmp_path / "copy")


def test_a_closed_folder_such_as_a_stores_data_is_left_out() -> None:
    with folder_for_all() as place:
        (place / "pgdata").mkdir(mode=0)
        make_folder(place, {"shop.py": "x"})

        with ordinary_user():
            assert names(place) == {"shop.py"}
