"""Requests that cost more CPU behind a proxy of the user's, whose answers name no replica."""

from dataclasses import replace

import pytest

from loadtests.analysis.rules import budget
from loadtests.model.vocabulary import Verdict
from tests.loadtests.analysis.rules.test_budget import ONE, PLAN, TWO, rounds_of
from tests.loadtests.builders import make_plan, make_result, make_usage, without_names


@pytest.mark.parametrize("after", [(1000, 1010, 990), (1060, 1062, 1058), (1300, 1302, 1298)])
def test_the_finding_is_the_same_where_no_answer_names_its_replica(after: tuple[int, ...]) -> None:
    trials = [
        replace(trial, completed=sum(usage.completed or 0 for usage in trial.usages))
        for trial in rounds_of(1, 1000, 1001, 999) + rounds_of(2, *after)
    ]

    named = budget.costlier_requests(PLAN, ONE, TWO, trials)
    unnamed = budget.costlier_requests(PLAN, ONE, TWO, [without_names(each) for each in trials])

    assert (unnamed.state, unnamed.detail) == (named.state, named.detail)
    assert named.figure


def test_without_names_an_idle_replica_beside_a_saturated_one_is_judged_with_it() -> None:
    small = rounds_of(1, 2860, 2870, 2850)
    idle = make_usage(member="gthread-2", cpu_s=0.0904, throttled_ratio=0.0, completed=27)
    trials = [
        replace(trial, completed=sum(usage.completed or 0 for usage in trial.usages))
        for trial in (
            *small,
            *(replace(each, usages=(each.usages[0], idle)) for each in rounds_of(2, *(2860,) * 3)),
        )
    ]

    found = budget.costlier_requests(PLAN, ONE, TWO, [without_names(each) for each in trials])

    assert found.figure == pytest.approx(0.03, abs=0.02)


@pytest.mark.parametrize(
    ("after", "verdict"),
    [((1000, 1010, 990), Verdict.SCALES), ((1130, 1135, 1140), Verdict.INVALID)],
)
def test_a_run_has_the_same_verdict_behind_a_proxy_whose_answers_name_no_replica(
    after: tuple[int, ...], verdict: Verdict
) -> None:
    """Shared cores make requests dearer there, too, and the application does not fall short."""
    plan = make_plan(replica_counts=(1, 2), rounds=3)
    named = [
        replace(trial, completed=sum(answers), throughput_rps=sum(answers) / trial.window_s)
        for trial in rounds_of(1, 1000, 1001, 999) + rounds_of(2, *after)
        for answers in [[usage.completed or 0 for usage in trial.usages]]
    ]
    unnamed = [without_names(trial) for trial in named]

    results = [
        make_result(plan, trials, findings=(budget.costlier_requests(plan, ONE, TWO, trials),))
        for trials in (named, unnamed)
    ]

    assert [result.verdict for result in results] == [verdict] * 2
    shares = [result.doublings[0].machine_share_ratio for result in results]
    assert shares[0] == pytest.approx(shares[1])
    assert shares[0]
