from pathlib import Path

import pytest

from loadtests.model.errors import UsageError
from loadtests.results import run_search


def a_run(results: Path, name: str = "20260921-101500-0001") -> Path:
    folder = results / name
    folder.mkdir()
    (folder / run_search.PLAN).write_text("{}")
    return folder


def test_a_run_is_found_by_its_name_or_its_path(tmp_path: Path) -> None:
    folder = a_run(tmp_path)

    assert run_search.find_run(tmp_path, folder.name) == folder
    assert run_search.find_run(tmp_path / "elsewhere", str(folder)) == folder


def test_the_latest_run_is_found_without_a_name(tmp_path: Path) -> None:
    for run_id in ("20260921-101500-ffff", "20260922-000000-0001", "20260921-235959-0001"):
        a_run(tmp_path, run_id)

    assert run_search.find_run(tmp_path, None).name == "20260922-000000-0001"


def test_a_published_sample_is_never_the_latest_run(tmp_path: Path) -> None:
    a_run(tmp_path)
    a_run(tmp_path, "sample")

    assert run_search.find_run(tmp_path, None).name == "20260921-101500-0001"
    assert run_search.find_run(tmp_path, "sample").name == "sample"


def test_a_run_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run 'yesterday'"):
        run_search.find_run(tmp_path, "yesterday")


def test_without_any_run_it_is_said_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="twofold run"):
        run_search.find_run(tmp_path, None)
