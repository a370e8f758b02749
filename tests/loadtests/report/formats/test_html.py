import re
from importlib import resources

import pytest

from loadtests.model.vocabulary import RuleCode, RuleState, Verdict
from loadtests.report.formats import html
from tests.loadtests.builders import (
    make_cell,
    make_doubling,
    make_facts,
    make_finding,
    make_plan,
    make_result,
    make_trials,
    noisy_rps,
)

PLAN = make_plan(workers=("gthread", "sync", "gevent"), rounds=12)
TRIALS = make_trials(PLAN, rps=noisy_rps())
SECTIONS = [
    "verdict",
    "next",
    "throughput",
    "efficiency",
    "doublings",
    "workers",
    "latency",
    "resources",
    "shares",
    "beyond",
    "time",
    "rules",
    "about",
    "method",
]


def sections(page: str) -> list[str]:
    return re.findall(r'<section id="(\w+)"', page)


def test_the_parts_come_in_the_order_in_which_a_person_asks() -> None:
    assert sections(html.render(make_result(PLAN, TRIALS), TRIALS, live=False)) == SECTIONS


def test_the_page_of_nine_cells_and_twelve_rounds_is_small() -> None:
    page = html.render(make_result(PLAN, TRIALS), TRIALS, live=False)

    assert len(page.encode()) <= 400_000


def test_the_script_is_small() -> None:
    script = resources.files("loadtests.report").joinpath("templates/report.js")

    assert len(script.read_bytes()) <= 10_000


def test_the_page_names_no_other_address() -> None:
    page = html.render(make_result(PLAN, TRIALS), TRIALS, live=False)

    assert re.findall(r'(?:src|href|url)\s*[=(]\s*["\']?(?!#|data:)[\w./:]+', page) == []


def test_every_trial_is_a_dot_of_the_throughput_and_of_the_timeline() -> None:
    page = html.render(make_result(PLAN, TRIALS), TRIALS, live=False)
    parts = dict(zip(SECTIONS, page.split("<section id=")[1:], strict=True))

    assert parts["throughput"].count("data-tip=") == len(TRIALS) == 108
    assert parts["time"].count("data-tip=") == len(TRIALS)


def test_a_trial_that_was_set_aside_is_counted_and_not_drawn() -> None:
    plan = make_plan(replica_counts=(1, 2), rounds=2)
    trials = make_trials(plan)
    disturbed = make_trials(plan, rounds=1, set_aside="Other programs took 9 % of the cores.")

    page = html.render(make_result(plan, trials), [*disturbed, *trials], live=False)

    assert "4 trials, 2 more set aside" in page


def test_only_a_live_page_reads_itself_again() -> None:
    live, final = (
        html.render(make_result(PLAN, TRIALS), TRIALS, live=live) for live in (True, False)
    )

    assert '<meta http-equiv="refresh" content="2">' in live
    assert "refresh" not in re.sub(r"<style>.*</style>", "", final, flags=re.DOTALL)


def test_a_live_page_neither_advises_nor_looks_beyond() -> None:
    page = html.render(make_result(PLAN, TRIALS), TRIALS, live=True)

    assert not {"next", "beyond"} & set(sections(page))


def test_a_page_before_the_first_trial_is_a_whole_page() -> None:
    page = html.render(make_result(PLAN, (), facts=make_facts(finished=False)), (), live=True)

    assert "</html>" in page
    assert "0 complete rounds of 4 to 12, 0 trials" in page


def test_a_broken_rule_stands_where_the_advice_would() -> None:
    broken = make_finding(
        state=RuleState.BROKEN, code=RuleCode.ERRORS, cell=make_cell(), detail="9 % failed."
    )

    page = html.render(make_result(PLAN, TRIALS, findings=(broken,)), TRIALS, live=False)

    assert sections(page)[:2] == ["verdict", "broken"]
    assert "beyond" not in sections(page), "no law of what was not measured validly"
    assert "<li>gthread cpu ×1: 9 % failed.</li>" in page


def test_a_rule_shows_its_worst_state_and_the_finding_closest_to_its_limit() -> None:
    far, near = (
        make_finding(cell=make_cell(replicas=count), figure=figure, limit=0.1, detail=f"{figure}")
        for count, figure in ((1, 0.02), (2, 0.09))
    )
    unchecked = make_finding(code=RuleCode.IDLE_COST, state=RuleState.UNCHECKED, figure=None)

    found = html.rules(make_result(findings=(far, near, unchecked)))

    assert [(state, shown) for state, shown, _ in found] == [
        (RuleState.HOLDS, near),
        (RuleState.UNCHECKED, unchecked),
    ]


@pytest.mark.parametrize("name", ['<script>alert("1")</script>', "'\"&<b>"])
def test_names_are_escaped_wherever_they_stand(name: str) -> None:
    plan = make_plan(workers=(name,), workloads=(name,), replica_counts=(1, 2))
    trials = make_trials(plan)
    facts = make_facts(command=name, run_id=name, versions={name: name})

    page = html.render(make_result(plan, trials, facts=facts), trials, live=False)

    assert name not in page
    assert page.count("<script>") == 1


def test_the_reason_of_each_doubling_stands_once() -> None:
    plan = make_plan(replica_counts=(1, 2))
    doubling = make_doubling(verdict=Verdict.NO_GAIN, reason="The whole interval is below 1.1.")
    result = make_result(plan, make_trials(plan), doublings=(doubling,), verdict=Verdict.NO_GAIN)

    page = html.render(result, make_trials(plan), live=False)

    assert re.sub("<[^>]*>", "", page).count("The whole interval is below 1.1.") == 1


@pytest.mark.parametrize("name", ["report.html.j2", "gate.html.j2"])
def test_every_element_that_the_script_looks_up_is_in_the_page(name: str) -> None:
    templates = resources.files("loadtests.report").joinpath("templates")
    script, page = (templates.joinpath(file).read_text() for file in ("report.js", name))

    looked_up = re.findall(r'getElementById\("(\w+)"\)', script)

    assert looked_up
    assert [found for found in looked_up if f'id="{found}"' not in page] == []
