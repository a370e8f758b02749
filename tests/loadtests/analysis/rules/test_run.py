import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

import pytest

from loadtests.analysis.rules import run
from loadtests.model.plan import TrialSpec
from loadtests.model.trial import RequestDistribution, Trial
from loadtests.model.vocabulary import RuleState
from tests.loadtests.analysis.shared.looks import locked
from tests.loadtests.builders import (
    make_cell,
    make_plan,
    make_spec,
    make_trial,
    make_trials,
    make_usage,
    noisy_rps,
    steady_rps,
)

PLAN = make_plan(rounds=8)
HOLDS, BROKEN, UNCHECKED = RuleState.HOLDS, RuleState.BROKEN, RuleState.UNCHECKED


# -- identity ----------------------------------------------------------------------------------


def identified(*identities: dict[str, str]) -> list[Trial]:
    return [
        make_trial(started_at_s=float(moment), identities=each)
        for moment, each in enumerate(identities)
    ]


def test_a_deployment_that_changed_is_told_even_in_the_only_trial() -> None:
    change = "from 2 to 3 replicas at 12:00:00"

    found = run.identity(PLAN, identified({"deployment": change}))
    kept = run.identity(PLAN, identified({"deployment": "as it was scaled"}))

    assert found.state is BROKEN
    assert change in found.detail
    assert "log" not in found.detail
    assert kept.state is HOLDS


@pytest.mark.parametrize(
    ("later", "state", "told"),
    [
        ({"a": "1", "b": "2"}, HOLDS, "All 2 members were the same"),
        ({"a": "1", "b": "3"}, BROKEN, "b changed .* 2 became 3"),
        ({"a": "1"}, BROKEN, "b changed .* 2 became gone"),
        ({"a": "1", "b": "2", "c": "9"}, BROKEN, "c changed .* not there became 9"),
    ],
)
def test_members_stay_who_they_are(later: dict[str, str], state: RuleState, told: str) -> None:
    trials = identified({"a": "1", "b": "2"}, {"a": "1", "b": "2"}, later)

    found = run.identity(PLAN, trials)

    assert found.state is state
    assert re.search(told, found.detail)


def test_members_are_followed_in_the_order_of_time_not_of_the_journal() -> None:
    first, second, third = identified({"a": "1"}, {"a": "1"}, {"a": "2"})

    found = run.identity(PLAN, [third, first, second])

    assert "1 became 2" in found.detail


def test_members_that_cannot_be_told_are_unchecked() -> None:
    assert run.identity(PLAN, identified({}, {})).state is UNCHECKED


# -- steady: inside windows --------------------------------------------------------------------


def with_halves(ratio: Callable[[TrialSpec], float], rounds: int = 8) -> list[Trial]:
    """Give trials whose windows' second half has ``ratio`` times the throughput of the first."""
    trials = []
    for planned in PLAN.rounds[:rounds]:
        for spec in planned:
            first = steady_rps(spec)
            second = first * ratio(spec)
            trials.append(
                make_trial(
                    spec=spec, throughput_rps=first, quarters_rps=(first, first, second, second)
                )
            )
    return trials


def noisy(mean: float, spread: float = 0.02) -> Callable[[TrialSpec], float]:
    return lambda spec: mean * Random(spec.id).lognormvariate(0, spread)


@pytest.mark.parametrize(
    ("ratio", "state"),
    [
        (noisy(1.0), HOLDS),
        (noisy(1.08), HOLDS),
        (noisy(1.13), BROKEN),
        (noisy(0.87), BROKEN),
        (lambda _: 1.2, BROKEN),
        (lambda _: 1.0, HOLDS),
        (noisy(1.13, spread=0.9), HOLDS),
    ],
)
def test_windows_have_no_trend_inside(
    ratio: Callable[[TrialSpec], float], state: RuleState
) -> None:
    assert run.steady(PLAN, with_halves(ratio)).state is state


def test_the_trend_inside_windows_is_told_where_it_holds_too() -> None:
    found = run.steady(PLAN, with_halves(lambda _: 1.05))

    assert found.figure == pytest.approx(0.05)
    assert "+5.0%" in found.detail


@pytest.mark.parametrize("trials", [[], [make_trial()] * 3, [make_trial(quarters_rps=(0.0,) * 4)]])
def test_too_few_windows_show_no_trend(trials: Sequence[Trial]) -> None:
    assert run.steady(PLAN, trials).state is UNCHECKED


# -- steady: over rounds -----------------------------------------------------------------------


def drifting(per_round: float, *, also_the_small: bool = False) -> Callable[[TrialSpec], float]:
    def rps(spec: TrialSpec) -> float:
        drifts = spec.cell.replicas == 4 or also_the_small
        return noisy_rps(spread=0.002)(spec) * (1 + per_round * spec.round * drifts)

    return rps


def test_a_factor_that_drifts_from_round_to_round_is_told() -> None:
    found = run.steady(PLAN, make_trials(PLAN, rps=drifting(-0.02)))

    assert found.state is BROKEN
    assert "The factor gthread cpu ×2 → ×4 drifted by -1" in found.detail


def test_a_drift_that_all_cells_share_is_cancelled_by_pairing() -> None:
    trials = make_trials(PLAN, rps=drifting(-0.02, also_the_small=True))

    assert run.steady(PLAN, trials).state is HOLDS


def test_a_drift_within_the_precision_does_not_count() -> None:
    assert run.steady(PLAN, make_trials(PLAN, rps=drifting(-0.004))).state is HOLDS


@pytest.mark.parametrize("rounds", [1, 3])
def test_few_rounds_show_no_drift(rounds: int) -> None:
    trials = make_trials(PLAN, rounds=rounds, rps=drifting(-0.1))

    assert run.steady(PLAN, trials).state is not BROKEN


@pytest.mark.parametrize("seed", range(40))
def test_noise_alone_is_steady(seed: int) -> None:
    trials = make_trials(PLAN, rps=noisy_rps(seed=seed, spread=0.03))

    assert run.steady(PLAN, trials).state is HOLDS


@pytest.mark.parametrize(("per_round", "state"), [(-0.06, BROKEN), (0.06, BROKEN), (-0.02, HOLDS)])
def test_a_throughput_that_no_one_figure_is_true_of_is_told(
    per_round: float, state: RuleState
) -> None:
    trials = make_trials(PLAN, rps=drifting(per_round, also_the_small=True))

    found = run.steady(PLAN, trials)

    assert found.state is state
    assert ("Look for a leak" in found.detail) is (state is BROKEN)


# -- steady: standing still --------------------------------------------------------------------


def silent_in(
    *rounds: int,
    silence_ms: float = 500.0,
    rps: float = 200.0,
    cpus: float | None = 0.08,
    budget_cpus: float = 0.25,
) -> list[Trial]:
    """Give eight rounds of one cell, in some of which its second replica answers nothing.

    It then uses ``cpus`` (None: not known) where 0.1 is usual; a pause takes a fifth of a window.
    """
    trials = []
    for number in range(1, 9):
        silent = number in rounds
        silences = {"gthread-1": 80.0, "gthread-2": silence_ms if silent else 90.0}
        spec = make_spec(cell=make_cell(replicas=2), round=number)
        dealing = RequestDistribution(
            counts={"gthread-1": 250, "gthread-2": 250}, silences_ms=silences
        )
        used = {"gthread-1": 0.1, "gthread-2": cpus if silent else 0.1}
        usages = tuple(
            make_usage(member=member, cpu_s=2.5 * rate, budget_cpus=budget_cpus)
            for member, rate in used.items()
            if rate is not None
        )
        trials.append(
            make_trial(spec=spec, throughput_rps=rps, window_s=2.5, dealing=dealing, usages=usages)
        )
    return trials


@pytest.mark.parametrize(
    ("trials", "state"),
    [
        (silent_in(), HOLDS),
        (silent_in(3), BROKEN),
        (silent_in(3, silence_ms=299.0), HOLDS),
        (silent_in(3, silence_ms=301.0), BROKEN),
        (silent_in(3, rps=20.0), HOLDS),  # ten answers a second each: half a second is chance
        (silent_in(1, 2, 3, 4), HOLDS),  # in half of its windows: that is how it works
        (silent_in(1, 2, 3), BROKEN),
        (silent_in(3, cpus=0.089), BROKEN),
        (silent_in(3, cpus=0.091), HOLDS),  # it worked: more than half of the silence long
        (silent_in(3, silence_ms=342.0, cpus=0.095), HOLDS),  # captured: a collection of garbage
        (silent_in(3, cpus=None), BROKEN),
        # One that always uses its CPU up, and now did not: that is no chance, however few answers.
        (silent_in(3, rps=20.0, budget_cpus=0.11), BROKEN),
        (silent_in(3, rps=20.0, budget_cpus=0.112), HOLDS),
        (silent_in(3, rps=20.0, budget_cpus=0.11, cpus=0.091), HOLDS),
        (silent_in(3, rps=20.0, budget_cpus=0.11, silence_ms=299.0), HOLDS),
        (silent_in(3, rps=16.0, budget_cpus=0.1, silence_ms=558.9, cpus=0.063), BROKEN),  # captured
    ],
)
def test_a_replica_that_stands_still_in_some_windows_is_told(
    trials: list[Trial], state: RuleState
) -> None:
    found = run.steady(PLAN, trials)

    assert found.state is state
    if state is BROKEN:
        assert "gthread-2 answered nothing for" in found.detail


@pytest.mark.parametrize(
    ("silence_ms", "budget_cpus", "state"),
    [
        (420.0, 0.25, HOLDS),  # as reviewed, between two waves of 32 threads
        (839.0, 0.25, HOLDS),
        (841.0, 0.25, BROKEN),
        (420.0, 0.11, BROKEN),  # one that always uses its CPU up has no waves
    ],
)
def test_a_silence_between_two_waves_of_slow_requests_is_no_pause(
    silence_ms: float, budget_cpus: float, state: RuleState
) -> None:
    """Each request waits for 0.56 s, and all threads began together."""
    trials = [
        replace(trial, service_ms=560.0)
        for trial in silent_in(3, silence_ms=silence_ms, budget_cpus=budget_cpus)
    ]

    assert run.steady(PLAN, trials).state is state


def test_a_replica_that_waits_for_a_lock_that_all_share_is_not_paused() -> None:
    looks = (locked("gthread-1"), locked("gthread-2"))
    trials = [replace(trial, shared=looks) for trial in silent_in(3)]

    assert run.steady(PLAN, trials).state is HOLDS
    assert run.steady(PLAN, [replace(trial, shared=looks[:1]) for trial in silent_in(3)]).state is (
        BROKEN
    )


def test_a_replica_with_half_the_means_is_no_slower_than_it_always_is() -> None:
    """Captured: held to half its budget, it is silent for three CPU periods now and then."""
    trials = []
    for number, member in enumerate(("gthread-1", "gthread-2") * 2, start=1):
        cpus = {"gthread-1": 0.1, "gthread-2": 0.05}[member]
        silence_ms = 300.1 if number == 4 else 200.0
        trials.append(
            make_trial(
                spec=make_spec(round=number),
                dealing=RequestDistribution(counts={member: 20}, silences_ms={member: silence_ms}),
                usages=(make_usage(member=member, cpu_s=2.5 * cpus, budget_cpus=0.1),),
                throughput_rps=10.0,
            )
        )

    assert "answered nothing" not in run.steady(PLAN, trials).detail


def test_a_trend_inside_the_windows_of_one_cell_alone_is_told() -> None:
    trials = with_halves(lambda spec: 0.8 if spec.cell.replicas == 4 else 1.0)

    found = run.steady(PLAN, trials)

    assert found.state is BROKEN
    assert found.cell == make_cell(replicas=4)
