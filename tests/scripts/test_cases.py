"""A row counts as right only where all of its tests ran and passed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts import cases
from scripts.cases import Ran
from tests.cases.row import Row

ROW = Row(
    part="The store",
    case="one hot row",
    expected="no_gain",
    tests=("tests/a.py::test_one", "tests/b.py"),
    fixture="tests/a.py::APP",
)

REPORT = """<testsuites><testsuite>
<testcase file="tests/a.py" name="test_one[x y]"/>
<testcase file="tests/a.py" name="test_two"><failure message="assert 1 == 2&#10;more"/></testcase>
<testcase file="tests/b.py" name="test_three"><skipped message="no engine"/></testcase>
</testsuite></testsuites>"""


def test_a_report_of_pytest_is_read() -> None:
    assert cases.parsed(REPORT) == (
        Ran(id="tests/a.py::test_one[x y]", ended="passed"),
        Ran(id="tests/a.py::test_two", ended="failed", why="assert 1 == 2"),
        Ran(id="tests/b.py::test_three", ended="skipped", why="no engine"),
    )


PASSED = Ran(id="tests/a.py::test_one[x]", ended="passed")
OTHER = Ran(id="tests/b.py::test_b", ended="passed")


@pytest.mark.parametrize(
    ("ran", "right", "seen"),
    [
        ((PASSED, OTHER), True, "no_gain"),
        ((PASSED,), False, "not run: tests/b.py"),
        (
            (PASSED, Ran(id="tests/b.py::test_b", ended="skipped", why="no engine")),
            False,
            "skipped: tests/b.py::test_b: no engine",
        ),
        (
            (PASSED, OTHER, Ran(id="tests/a.py::test_one[y]", ended="failed", why="no")),
            False,
            "failed: tests/a.py::test_one[y]: no",
        ),
    ],
)
def test_all_tests_of_a_row_have_to_run_and_pass(
    ran: tuple[Ran, ...], right: bool, seen: str
) -> None:
    entry = cases.entry_of(ROW, ran)

    assert (entry["right"], entry["seen"]) == (right, seen)
    assert entry["test"] == ["tests/a.py::test_one", "tests/b.py"]


def test_rows_that_were_not_run_stay_as_they_were(tmp_path: Path) -> None:
    file = tmp_path / "cases.json"
    other = {"part": "Another part", "case": "x", "right": False}
    file.write_text(json.dumps({"rows": [other, {**other, "part": ROW.part, "case": ROW.case}]}))

    document = cases.document_of([cases.entry_of(ROW, (PASSED, OTHER))], file)

    assert (document["cases"], document["right"]) == (2, 1)
    assert [row["part"] for row in document["rows"]] == ["The store", "Another part"]


def test_a_part_that_does_not_exist_is_refused_with_those_that_do(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="Known: State that does not survive"):
        cases.main(["--part", "Storage", "--out", str(tmp_path / "cases.json")])
