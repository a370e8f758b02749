"""Reads and judges the campaign of searches, without measuring any."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from loadtests.analysis.until import conclude
from loadtests.cli.until import doubling
from loadtests.model.vocabulary import Verdict
from loadtests.tools import proc
from loadtests.tools.proc import Completed
from scripts import until
from scripts.zoo.plans import plan_of
from tests.loadtests.analysis.test_until import a_step
from tests.loadtests.builders import make_machine

ENDLESS = conclude([a_step(1), a_step(2)], refusal="8 replicas do not fit.")
ONE_ONLY = conclude([a_step(1, Verdict.NO_GAIN)])
UNDECIDED = conclude([a_step(1), a_step(2, Verdict.INCONCLUSIVE, why="Too wide.")])


def judged(name: str, answer: Any) -> tuple[bool, bool]:
    row = until.judged(until.BY_NAME[name], asdict(answer))
    return row["right"], row["wrong"]


@pytest.mark.parametrize(
    ("name", "answer", "right", "wrong"),
    [
        ("perfect", ENDLESS, True, False),
        ("perfect", ONE_ONLY, False, True),
        ("perfect", UNDECIDED, False, False),
        ("serial-10", conclude([a_step(1), a_step(2, Verdict.FALLS_SHORT)]), True, False),
        ("serial-10", ENDLESS, False, True),
        ("store-held", ONE_ONLY, True, False),
        ("store-held", conclude([a_step(1, Verdict.NO_GAIN, why="A lock.")]), False, False),
        ("pool", ENDLESS, True, False),
    ],
)
def test_an_answer_is_held_against_the_truth(
    name: str, answer: Any, right: bool, wrong: bool
) -> None:
    assert judged(name, answer) == (right, wrong)


def test_what_was_searched_before_is_not_searched_again() -> None:
    rows = [{"system": "perfect"}, {"system": "perfect"}, {"system": "pool"}]

    assert until.missing(["perfect", "pool"], rows, 3) == ["pool", "perfect", "pool"]


@pytest.mark.parametrize("system", until.SYSTEMS, ids=lambda system: system.name)
def test_each_system_has_a_plan_for_two_cores_or_an_application(system: until.System) -> None:
    if system.shape is None:
        assert (until.APPS / f"{system.name}.py").exists()
    else:
        assert plan_of(system.shape, make_machine(), seed=1).rounds


@contextmanager
def a_store(_: Any) -> Iterator[dict[str, str]]:
    yield {"DATABASE_URL": "postgresql://here/shop"}


def test_a_campaign_writes_a_row_for_each_search_and_goes_on_where_it_stopped(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answers = {"perfect": ENDLESS, "pool:app": ENDLESS}
    asked: list[str] = []

    def run(argv: tuple[str, ...], **_: Any) -> Completed:
        name = argv[4]
        asked.append(name)
        return Completed(argv=argv, code=0, stdout=doubling.document(answers[name]), stderr="")

    monkeypatch.setattr(proc, "run", run)
    monkeypatch.setattr(until, "needed", a_store)
    words = ["--systems", "perfect,pool", "--out", str(tmp_path / "until.json")]

    assert until.main([*words, "--times", "1"]) == 0
    assert until.main([*words, "--times", "2"]) == 0

    written = json.loads((tmp_path / "until.json").read_text())
    assert asked == ["perfect", "pool:app"] * 2
    assert (written["tried"], written["right"], written["wrong"]) == (4, 4, 0)
    assert written["rows"][0]["stated_end"] == "machine at 4"
    assert {"worker", "truth", "reason", "wall_s"} <= set(written["rows"][0])


def test_a_search_that_fails_is_a_row(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def run(argv: tuple[str, ...], **_: Any) -> Completed:
        return Completed(argv=argv, code=4, stdout="", stderr="No PostgreSQL here.")

    monkeypatch.setattr(proc, "run", run)
    out = tmp_path / "until.json"

    assert until.main(["--systems", "perfect", "--times", "1", "--out", str(out)]) == 1

    (row,) = json.loads(out.read_text())["rows"]
    assert row["error"] == "code 4: No PostgreSQL here."
    assert (row["right"], row["wrong"]) == (False, False)
