from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from loadtests.model.consistency import ProbeResult, ProbeState
from loadtests.model.result import Estimate
from loadtests.model.vocabulary import Bottleneck, RuleCode, RuleState, Verdict
from loadtests.report.formats import html, junit, markdown, run_json, terminal
from loadtests.report.text import advice, consistency, story
from tests.loadtests.bottleneck_builders import saturating
from tests.loadtests.builders import (
    make_doubling,
    make_finding,
    make_plan,
    make_probe,
    make_result,
    make_trials,
)

PLAN = make_plan(replica_counts=(1, 2))
SHORT = make_doubling(
    factor=Estimate(estimate=1.5, low=1.45, high=1.55), verdict=Verdict.FALLS_SHORT
)


def test_yes_names_the_least_gain() -> None:
    least = make_doubling(
        worker="sync",
        factor=Estimate(estimate=1.9, low=1.86, high=1.94),
        replicas_from=2,
        replicas_to=4,
    )
    result = make_result(doublings=(make_doubling(), least), verdict=Verdict.SCALES)

    assert story.answer(result) == (
        "Yes: doubling the servers doubles the throughput. Smallest factor: sync cpu 2→4: 1.90"
        " [1.86, 1.94]."
    )


def test_no_names_what_fell_short_and_what_held_it_back() -> None:
    trials = make_trials(PLAN, **saturating(Bottleneck.STORE))
    result = make_result(PLAN, trials, doublings=(SHORT,), verdict=Verdict.FALLS_SHORT)

    assert story.answer(result) == (
        "No: gthread cpu 1→2: 1.50 [1.45, 1.55], where 2 is perfect. At 2 replicas: PostgreSQL"
        " used 0.196 of its 0.2 CPU, throttled in 97% of CPU periods, and more servers will not"
        " change that."
    )


def test_what_cannot_be_told_says_why() -> None:
    assert story.answer(make_result(PLAN, make_trials(PLAN, rounds=1))) == (
        "Cannot tell: the measurement is not precise enough for a verdict: gthread cpu 1→2."
    )


def test_an_invalid_run_names_the_broken_rules() -> None:
    findings = [make_finding(state=RuleState.BROKEN, code=code) for code in (RuleCode.ERRORS,) * 2]

    assert story.answer(make_result(findings=findings)) == (
        "No answer: the measurement is not valid. Broken rules: errors."
    )


def test_a_run_that_goes_on_is_told_without_a_verdict() -> None:
    assert story.so_far(make_result(PLAN, make_trials(PLAN, rounds=2))) == (
        "Measuring. Smallest factor so far: gthread cpu 1→2: 2.00 [2.00, 2.00]."
    )
    assert story.so_far(make_result(PLAN, ())) == "Measuring: no doubling has a factor yet."


@pytest.mark.parametrize("verdict", Verdict)
def test_each_series_is_told_by_its_worst_doubling(verdict: Verdict) -> None:
    doublings = (make_doubling(), make_doubling(verdict=verdict, replicas_from=2, replicas_to=4))

    ((found, sentence),) = story.by_series(make_result(doublings=doublings))

    assert found is verdict
    assert sentence.startswith(
        f"gthread on cpu {story.PREDICATES[verdict]}: 1→2 1.98 [1.94, 2.02], 2→4 1.98 [1.94, 2.02]."
    )


def test_findings_come_by_rule_in_the_order_of_the_rules() -> None:
    steady, share = make_finding(code=RuleCode.STEADY), make_finding(code=RuleCode.REPLICA_SHARE)

    assert story.by_rule([steady, share, steady]) == [
        (RuleCode.REPLICA_SHARE, [share]),
        (RuleCode.STEADY, [steady, steady]),
    ]


def test_every_rule_verdict_and_bottleneck_has_its_words() -> None:
    assert set(story.ADVICE) == set(RuleCode)
    assert set(story.VERDICTS) == set(story.PREDICATES) == set(Verdict)
    assert set(story.BOTTLENECKS) == set(Bottleneck)


def test_the_advice_on_a_budget_is_true_for_replicas_of_a_deployment_too() -> None:
    said = story.ADVICE[RuleCode.BUDGET]

    assert said.startswith("The replicas may slow one another down where they share cores.")
    assert "a CPU limit or a node of its own" in said


# -- one answer from all servers ---------------------------------------------------------------


def broken_probe(**fields: Any) -> ProbeResult:
    detail = "After PUT /x through gthread-1, GET /x was answered by gthread-2 with 404 (8 of 8)."
    return make_probe(state=ProbeState.BREAKS, detail=detail, **fields)


def test_wrong_answers_are_the_answer_with_the_request_that_showed_them() -> None:
    result = make_result(probes=(broken_probe(),))

    assert story.answer(result) == (
        "No: with more than one server the answers are wrong: gthread."
        " After PUT /x through gthread-1, GET /x was answered by gthread-2 with 404 (8 of 8)."
    )
    (_, sentence) = story.by_series(result)[0]
    assert "gives wrong answers with more servers" in sentence
    assert sentence.endswith("with 404 (8 of 8).")


def test_every_report_shows_the_consistency_checks() -> None:
    result = make_result(probes=(broken_probe(), make_probe(worker="sync")))
    console = Console(width=500, file=StringIO(), record=True)
    console.print(terminal.render(result))
    texts = {
        "markdown": markdown.render(result),
        "terminal": console.export_text(),
        "html": html.render(result, make_trials(make_plan()), live=False),
        "junit": junit.render(result),
    }

    for text in texts.values():
        assert "was answered by gthread-2 with 404" in text
    for kind in ("markdown", "terminal", "html"):
        assert consistency.TITLE in texts[kind]
    assert 'failures="2"' in texts["junit"]
    assert any("data store" in step for step in advice.next_steps(result))


def test_a_run_json_keeps_the_probes() -> None:
    result = make_result(probes=(broken_probe(wrong={"gthread-2": 8}), make_probe()))

    assert run_json.parse(run_json.render(result)).probes == result.probes
