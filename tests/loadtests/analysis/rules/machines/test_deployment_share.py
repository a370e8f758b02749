"""Whether the load reached all replicas of a deployment whose answers name none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from loadtests.analysis.rules.registry import check
from loadtests.analysis.rules.replica_share import replica_share
from loadtests.model.result import Finding
from loadtests.model.tested.target import Target, TargetKind
from loadtests.model.trial import Trial
from loadtests.model.vocabulary import RuleCode, RuleState, Verdict
from tests.loadtests.builders import (
    make_cell,
    make_plan,
    make_result,
    make_spec,
    make_trial,
    make_trials,
    make_usage,
)

HOLDS, BROKEN, UNCHECKED = RuleState.HOLDS, RuleState.BROKEN, RuleState.UNCHECKED
URL = Target(kind=TargetKind.URL, given="web", name="web", url="http://10.0.0.1:80")
PLAN = make_plan(tested=URL)
WINDOW_S = 5.0


def a_trial(*cpus: float, answers: int = 500, number: int = 1) -> Trial:
    """Return a trial whose replicas used so many CPUs in a window of 5 s; none has a limit."""
    return make_trial(
        spec=make_spec(cell=make_cell(replicas=len(cpus)), round=number),
        window_s=WINDOW_S,
        completed=answers,
        answers={},
        usages=tuple(
            make_usage(
                member=f"gthread-{index}",
                cpu_s=used * WINDOW_S,
                span_s=WINDOW_S,
                budget_cpus=None,
            )
            for index, used in enumerate(cpus, start=1)
        ),
    )


def finding(trials: Sequence[Trial]) -> Finding:
    return replica_share(PLAN, trials[0].spec.cell, trials)


def in_ten(
    cpus: Callable[[int], tuple[float, ...]] | tuple[float, ...], answers: int = 500
) -> Finding:
    """Return the finding on ten trials in which the replicas used so many CPUs."""
    return finding(
        [
            a_trial(*(cpus if isinstance(cpus, tuple) else cpus(number)), answers=answers)
            for number in range(10)
        ]
    )


def test_a_load_that_sticks_to_one_replica_breaks_it() -> None:
    found = in_ten((0.49, 0.002))

    assert found.state is BROKEN
    assert found.figure == pytest.approx(-0.99, abs=0.01)
    assert found.detail.startswith("gthread-2 got about 20 of 5,000 requests, by its CPU")
    assert "port-forward" in found.detail
    assert "ClientIP" in found.detail


def test_one_of_four_that_gets_everything_is_named() -> None:
    found = in_ten((0.001, 0.002, 0.49, 0.001))

    assert found.state is BROKEN
    assert found.detail.startswith("gthread-3 got about 4,960 of 5,000 requests")


def test_equal_cpu_is_an_equal_share() -> None:
    assert in_ten((0.49, 0.47)).state is HOLDS
    assert in_ten((0.49,)).state is HOLDS


def test_connections_that_fall_unequally_by_chance_do_not_break_it() -> None:
    """12 connections of 32 and 20 are common, where nothing else holds the replicas."""
    assert in_ten(lambda number: (0.12, 0.20) if number % 2 else (0.20, 0.12)).state is HOLDS


def test_a_load_that_sticks_to_another_replica_each_time_breaks_it() -> None:
    found = in_ten(lambda number: (0.0, 0.41) if number % 2 else (0.41, 0.0))

    assert found.state is BROKEN
    assert "In 100% of the trials a replica got less than half of one." in found.detail


@pytest.mark.parametrize(
    "alike",
    [(0.0195, 0.0205), (0.0198, 0.0203, 0.0199, 0.0201), (0.021, 0.019, 0.022, 0.018)],
)
def test_replicas_that_use_about_as_much_as_an_idle_one_may_are_alike(
    alike: tuple[float, ...],
) -> None:
    assert in_ten(alike).state is HOLDS


def test_a_limit_raised_by_a_container_beside_it_makes_no_replica_idle() -> None:
    trials = [a_trial(0.048, 0.052, number=number) for number in range(10)]
    limited = [
        replace(trial, usages=tuple(replace(usage, budget_cpus=2.5) for usage in trial.usages))
        for trial in trials
    ]

    assert finding(limited).state is HOLDS


@pytest.mark.parametrize("cpus", [(0.1, 0.2), (0.15, 0.15, 0.3, 0.12)])
def test_a_replica_that_has_work_of_its_own_is_not_called_preferred(
    cpus: tuple[float, ...],
) -> None:
    found = in_ten(cpus)

    assert found.state is UNCHECKED
    assert "from an equal share. That may be its own work (a leader's" in found.detail
    assert 'header = "X-Served-By"' in found.detail


@pytest.mark.parametrize("cpus", [(0.008, 0.014), (0.005, 0.011)])
def test_idle_replicas_of_unequal_cpu_are_unchecked(cpus: tuple[float, ...]) -> None:
    found = in_ten(cpus, answers=50)

    assert found.state is UNCHECKED
    assert "hardly any CPU" in found.detail


def counted(step_s: float, *cpus: float, trials: int = 10) -> Finding:
    """Return the finding where counters round down to steps; windows are 7.3 s apart."""

    def steps(rate: float, phase_s: float, number: int) -> float:
        began_s = phase_s + 7.3 * number * rate
        ended_s = began_s + WINDOW_S * rate
        return (ended_s // step_s - began_s // step_s) * step_s / WINDOW_S

    return finding(
        [
            a_trial(
                *(steps(rate, 0.37 * index, number) for index, rate in enumerate(cpus, start=1)),
                number=number,
            )
            for number in range(trials)
        ]
    )


@pytest.mark.parametrize("cpu", [0.1, 0.12, 0.16, 0.2, 0.3])
@pytest.mark.parametrize("trials", [2, 4, 10])
def test_whole_seconds_of_cpu_do_not_make_equal_shares_unequal(cpu: float, trials: int) -> None:
    assert counted(1.0, cpu, cpu, trials=trials).state is not BROKEN


def test_whole_seconds_tell_no_shares_of_windows_that_have_only_one() -> None:
    found = finding([a_trial(0.2, 0.0), a_trial(0.0, 0.2, number=2), a_trial(0.2, 0.2, number=3)])

    assert found.state is UNCHECKED
    assert "counts CPU in steps of 1 s" in found.detail
    assert 'header = "X-Served-By"' in found.detail


def test_whole_seconds_show_equal_shares_where_the_windows_have_several() -> None:
    assert counted(1.0, 0.9, 0.9).state is HOLDS


@pytest.mark.parametrize("step_s", [1.0, 0.01])
def test_steps_hide_no_replica_that_is_left_out(step_s: float) -> None:
    assert counted(step_s, 0.9, 0.01).state is BROKEN


def test_the_only_replica_has_its_share_whatever_the_steps() -> None:
    assert counted(1.0, 0.16).state is HOLDS


@pytest.mark.parametrize("idle", [(0.002, 0.002), (0.001, 0.004)])
def test_a_load_that_reaches_no_replica_breaks_it(idle: tuple[float, ...]) -> None:
    found = in_ten(idle, answers=2600)

    assert found.state is BROKEN
    assert found.detail.startswith("The load did not reach the replicas. For each answer")


def test_counters_that_stand_still_tell_it_only_where_whole_seconds_would_move() -> None:
    """``ps -o cputimes`` has whole seconds, and hundreds of answers take less."""
    assert in_ten((0.0, 0.0), answers=26_000).state is BROKEN
    assert in_ten((0.0, 0.0), answers=2600).state is UNCHECKED


def test_a_load_that_does_not_reach_the_only_replica_breaks_it() -> None:
    assert in_ten((0.002,), answers=1500).state is BROKEN


@pytest.mark.parametrize("cpus", [(0.012,), (0.012, 0.0121), (0.002, 0.002)])
def test_an_application_that_waits_uses_hardly_any_cpu_and_is_not_called_unreached(
    cpus: tuple[float, ...],
) -> None:
    """Ten requests a second of 1.2 ms, or of 0.2 ms: an idle replica may use as much."""
    found = in_ten(cpus, answers=50 * len(cpus))

    assert found.state is UNCHECKED
    assert "hardly any CPU" in found.detail
    assert 'header = "X-Served-By"' in found.detail


def test_an_application_that_waits_behind_one_replica_breaks_it() -> None:
    found = in_ten((0.012, 0.0004), answers=50)

    assert found.state is BROKEN
    assert "of 500 requests, by its CPU" in found.detail


def test_without_the_cpu_of_all_replicas_nothing_is_judged() -> None:
    trial = a_trial(0.49, 0.002)
    found = finding([replace(trial, usages=trial.usages[:1])])

    assert found.state is UNCHECKED
    assert found.detail.startswith("No answer names the replica that gave it.")


def test_trials_without_the_cpu_of_all_replicas_are_left_out() -> None:
    whole, other = a_trial(0.49, 0.002), a_trial(0.4, 0.4, number=2)

    assert finding([whole, replace(other, usages=other.usages[:1])]).state is BROKEN


def test_without_an_answer_there_is_nothing_to_check() -> None:
    assert finding([a_trial(0.0, 0.0, answers=0)]).detail == "There were no answers to count."


def test_answers_that_name_their_replica_are_counted_and_not_the_cpu() -> None:
    trial = a_trial(0.49, 0.002)
    found = finding([replace(trial, answers={"gthread-1": 250, "gthread-2": 250})])

    assert found.state is HOLDS
    assert "χ²" in found.detail


def test_a_load_on_one_replica_only_is_no_lack_of_gain() -> None:
    """The throughput stays the same, because the second replica gets nothing."""

    def on_the_first(trial: Trial) -> Trial:
        first = f"gthread-{trial.spec.members[0]}"
        usages = tuple(
            usage if usage.member == first else replace(usage, cpu_s=0.0) for usage in trial.usages
        )
        return replace(trial, answers={}, dealing=None, usages=usages)

    plan = make_plan(tested=URL, replica_counts=(1, 2))
    trials = tuple(map(on_the_first, make_trials(plan, rps=lambda _: 50.0)))

    result = make_result(plan, trials, findings=check(plan, trials))

    assert result.verdict is Verdict.INVALID
    assert RuleCode.REPLICA_SHARE in {finding.code for finding in result.broken}
