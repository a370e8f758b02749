"""The record of the campaigns: which rows stay, and what is counted."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from scripts.reliability import __main__, record
from scripts.reliability.record import Case, Result, Seen


def test_an_unexpected_error_is_a_broken_row_and_ends_no_campaign(tmp_path: Path) -> None:
    def fail(_: Path) -> str:
        raise KeyError("verdict")

    result = record.tried(Case(name="odd", run=fail), tmp_path)

    assert (result.held, result.detail) == (False, "KeyError: 'verdict'")


def rows_of(file: Path) -> list[tuple[str, str, bool]]:
    rows = json.loads(file.read_text())["rows"]
    return [(row["form"], row["case"], row["held"]) for row in rows]


def a_result(case: str, *, held: bool = True, right_rule: bool | None = None) -> Result:
    return Result(case=case, held=held, detail="", seconds=1.0, right_rule=right_rule)


def test_the_short_form_replaces_none_of_the_full_one(tmp_path: Path) -> None:
    file = tmp_path / "reliability.json"
    record.record(file, "mine", [a_result("a"), a_result("b", held=False)], form=record.FULL)

    for held in (True, False):
        record.record(file, "mine", [a_result("a", held=held)], form=record.SHORT)

    assert rows_of(file) == [("full", "a", True), ("full", "b", False), ("short", "a", False)]
    assert json.loads(file.read_text())["campaigns"]["mine"] == {"tried": 2, "held": 1}
    record.record(file, "mine", [a_result("c")], form=record.FULL)
    assert rows_of(file) == [("short", "a", False), ("full", "c", True)]


def test_a_case_that_is_tried_alone_replaces_only_its_own_row(tmp_path: Path) -> None:
    file = tmp_path / "reliability.json"
    record.record(file, "mine", [a_result("a"), a_result("b")])

    record.record(file, "mine", [a_result("b", held=False)], in_part=True)

    assert rows_of(file) == [("full", "a", True), ("full", "b", False)]


def test_rows_of_before_forms_were_noted_count_as_full_ones(tmp_path: Path) -> None:
    file = tmp_path / "reliability.json"
    old = {"campaign": "mine", "case": "a", "held": True, "detail": "", "seconds": 1.0}
    file.write_text(json.dumps({"campaigns": {}, "rows": [old]}))

    record.record(file, "mine", [a_result("b")], form=record.SHORT)

    assert [row["case"] for row in json.loads(file.read_text())["rows"]] == ["a", "b"]


@pytest.mark.parametrize(
    ("words", "form"),
    [((), "short"), (("--full",), "full"), (("--users", "1"), "users")],
)
def test_the_rows_have_the_form_that_was_asked_for(words: tuple[str, ...], form: str) -> None:
    assert __main__.form_of(__main__.parse(words)) == form


def see(seen: Seen, _: Path) -> Seen:
    return seen


def test_runs_that_the_right_rule_saw_are_counted_by_themselves(tmp_path: Path) -> None:
    file = tmp_path / "reliability.json"
    results = [
        record.tried(Case(name=seen.detail, run=partial(see, seen)), tmp_path)
        for seen in (
            Seen(detail="invalid identity", right_rule=True),
            Seen(detail="breaks", right_rule=False),
        )
    ]

    record.record(file, "no_wrong_green", [*results, a_result("broken", held=False)])

    document = json.loads(file.read_text())
    assert document["campaigns"]["no_wrong_green"] == {"tried": 3, "held": 2, "right_rule": 1}
    assert [row.get("right_rule") for row in document["rows"]] == [True, False, None]
