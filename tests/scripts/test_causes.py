"""Judges the campaign of planted causes, without measuring any."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from loadtests.analysis.profiles.comparison import profiles_of
from loadtests.model.profiles.records import Stack, Waiting
from scripts import causes
from tests.loadtests.analysis.profiles.builders import FLASK, SERVER, frame, make_profile
from tests.loadtests.builders import make_cell, make_result

LOCK = causes.BY_NAME["lock"]


def at_line(line: int, kind: Waiting) -> tuple[Stack, ...]:
    return (Stack(frames=(*SERVER, *FLASK, frame(f"/x/lock.py:{line}", "index")), kind=kind),)


def said(line: int, kind: Waiting, worker: str = "gthread") -> dict[str, object]:
    profile = make_profile([(0, 0)] * 40, cell=make_cell(replicas=4), stacks=at_line(line, kind))
    return causes.said(make_result(profiles=profiles_of([profile])), LOCK, worker)


@pytest.mark.parametrize("cause", causes.CAUSES, ids=lambda cause: cause.name)
def test_each_cause_is_a_small_application_with_its_line_marked(cause: causes.Cause) -> None:
    text = (causes.APPS / f"{cause.name}.py").read_text()

    assert len(text.splitlines()) <= 40
    assert all(causes.marked_lines(cause.name, worker) for worker in causes.WORKERS)


def test_each_variant_is_built_in_or_declared_beside_the_applications() -> None:
    declared = tomllib.loads((causes.APPS / "twofold.toml").read_text())["variants"]

    for cause in causes.CAUSES:
        for worker in causes.WORKERS:
            argv = causes.argv_of(cause, worker, {})
            variant = argv[argv.index("--workers") + 1]
            assert declared.get(variant, {"worker": variant})["worker"] == worker


def test_the_right_line_and_the_right_kind_count() -> None:
    (line,) = causes.marked_lines("lock", "gthread")

    row = said(line, Waiting.LOCK)

    assert (row["line_first"], row["kind_right"], row["certain_and_wrong"]) == (True, True, False)


def test_a_wrong_line_that_is_called_certain_is_counted() -> None:
    row = said(1, Waiting.LOCK)

    assert (row["line_first"], row["kind_right"], row["certain_and_wrong"]) == (False, True, True)


def test_a_wrong_kind_is_counted() -> None:
    (line,) = causes.marked_lines("lock", "gthread")

    row = said(line, Waiting.SLEEP)

    assert (row["line_first"], row["kind_right"]) == (True, False)


def test_a_wrong_kind_that_is_called_certain_is_wrong_though_its_line_is_right() -> None:
    (line,) = causes.marked_lines("lock", "gthread")

    assert said(line, Waiting.SLEEP)["certain_and_wrong"] is True


def test_what_is_right_depends_on_the_worker_model() -> None:
    (line,) = causes.marked_lines("lock", "sync")

    assert said(line, Waiting.SLEEP, "sync")["kind_right"] is True


def test_a_run_that_saw_nothing_names_nothing() -> None:
    unseen = make_profile([], unseen="No right.")
    row = causes.said(make_result(profiles=profiles_of([unseen])), LOCK, "sync")

    assert (row["line_first"], row["certain_and_wrong"], row["error"]) == (
        False,
        False,
        "No right.",
    )


def test_the_file_has_the_counts_and_the_rows(tmp_path: Path) -> None:
    rows = [
        {"cause": "lock", "line_first": True, "kind_right": True, "certain_and_wrong": False},
        {"cause": "pool", "line_first": False, "kind_right": True, "certain_and_wrong": True},
    ]

    causes.write(tmp_path / "causes.json", rows)

    written = json.loads((tmp_path / "causes.json").read_text())
    assert {key: value for key, value in written.items() if key != "rows"} == {
        "tried": 2,
        "line_first": 1,
        "kind_right": 2,
        "certain_and_wrong": 1,
    }
    assert written["rows"] == rows
