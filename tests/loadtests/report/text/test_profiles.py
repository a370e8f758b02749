"""Where requests wait, as the reports say it."""

from __future__ import annotations

import json

import pytest

from loadtests.analysis.profiles.comparison import profiles_of
from loadtests.model.profiles.records import (
    CellProfile,
    Stack,
    StatementTime,
    StoreProfile,
    Waiting,
)
from loadtests.model.result import RunResult
from loadtests.report.formats import html, markdown, run_json
from loadtests.report.text import explanation, profiles
from tests.loadtests.analysis.profiles.builders import FLASK, SERVER, STACKS, frame, make_profile
from tests.loadtests.builders import make_cell, make_result

FEW, MANY = make_cell(replicas=1), make_cell(replicas=4)


def a_result(*told: CellProfile) -> RunResult:
    series = told or (
        make_profile([(0, 1, 1)] * 40, cell=FEW, looking_cpus=0.2),
        make_profile([(0, 0, 0, 0, 1, 1)] * 40, cell=MANY, looking_cpus=0.3),
    )
    return make_result(profiles=profiles_of(series, {FEW: 100.0, MANY: 110.0}))


def test_the_explanation_answers_in_the_order_in_which_a_person_asks() -> None:
    text = explanation.render(a_result(), stacks="results/x/profiles")

    heads = [line for line in text.splitlines() if line and not line.startswith(" ")]
    assert heads[1:] == [
        "Where requests spend their time",
        "What a request does",
        "Lines of code",
        "What could not be seen, and what it cost",
        "Stacks for speedscope and flame graph programs: results/x/profiles/*.collapsed",
    ]
    assert "gthread cpu ×4: 40.0 [40.0, 40.0] ms (66.7 %) in /srv/shop/db.py:88 lock_row" in text


def test_what_looking_cost_is_told() -> None:
    assert profiles.notes(a_result()) == [
        "80 looks cost 0.30 of a core at most, beside the replicas, and none of it is in a measured"
        " round. Throughput meanwhile differed from that of the measured rounds by -9 to +0 %."
    ]


def test_what_cannot_be_seen_is_told_once_for_a_variant() -> None:
    unseen = [make_profile([], cell=cell, unseen="No right.") for cell in (FEW, MANY)]

    result = a_result(*unseen)

    assert profiles.notes(result) == ["gthread: No right."]
    assert profiles.sentences(result) == []


def test_every_report_has_the_finding() -> None:
    result = a_result()
    (sentence,) = profiles.sentences(result)

    assert sentence.startswith("gthread on cpu: At 4 replicas, a request spends 40 of its 60 ms")
    page = html.render(result, (), live=False)
    assert sentence in page
    assert page.count('<svg class="flame"') == 1
    assert "lock\\_row" in markdown.render(result)
    written = json.loads(run_json.render(result))
    assert written["profile_findings"][0]["line"]["name"] == "lock_row"


def test_run_json_gives_back_what_it_was_made_from() -> None:
    result = a_result()

    parsed = run_json.parse(run_json.render(result))

    assert parsed.profiles.findings == result.profiles.findings
    assert parsed.profiles.cells == result.profiles.cells


@pytest.mark.parametrize("live", [False, True])
def test_names_in_stacks_are_never_markup(live: bool) -> None:
    evil = frame("/srv/<script>alert(1).py:1", "<script>alert(2)</script>")
    stacks = (Stack(frames=(*SERVER, *FLASK, evil), kind=Waiting.SLEEP), *STACKS[1:])
    page = html.render(
        a_result(make_profile([(0, 0)] * 40, cell=MANY, stacks=stacks)), (), live=live
    )

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_which_statements_took_the_stores_time_is_in_every_report() -> None:
    counted = tuple(
        StatementTime(statement=f"SELECT {name}", calls=20, ms=ms, share_ratio=ms / 1000)
        for name, ms in (("slow", 900.0), ("quick", 90.0), ("rare", 10.0))
    )
    store = StoreProfile(address="10.0.0.2:5432", looks=9, sessions=(), statements=counted)
    result = a_result(make_profile([(0, 1, 1)] * 40, cell=FEW, store=store))

    assert profiles.statement_rows(result) == [
        ["gthread cpu ×1", "90.0 %", "20", "45.0", "SELECT slow"],
        ["gthread cpu ×1", "9.0 %", "20", "4.50", "SELECT quick"],
    ]
    assert "SELECT slow" in explanation.render(result, stacks="")
    assert "The store's statements" in markdown.render(result)
    assert "SELECT slow" in html.render(result, (), live=False)
    parsed = run_json.parse(run_json.render(result))
    assert parsed.profiles.cells[0].store == store


def test_a_store_that_does_not_count_its_statements_has_no_such_table() -> None:
    assert profiles.statement_rows(a_result()) == []
    assert "statements" not in explanation.render(a_result(), stacks="")
