from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from loadtests.analysis.rules import load
from loadtests.model.result import Finding
from loadtests.model.trial import (
    Calibration,
    CalibrationStep,
    Conservation,
    GeneratorHealth,
    HostUse,
    Trial,
    Usage,
)
from loadtests.model.vocabulary import Role, RuleState
from tests.loadtests.builders import make_calibration, make_cell, make_plan, make_trial, make_usage

PLAN, CELL = make_plan(), make_cell()
HOLDS, BROKEN, UNCHECKED = RuleState.HOLDS, RuleState.BROKEN, RuleState.UNCHECKED


def health(**fields: Any) -> GeneratorHealth:
    defaults: dict[str, Any] = {"cpu_ratio": 0.12, "lag_p99_ms": 0.8, "lag_max_ms": 2.0}
    return GeneratorHealth(**defaults | fields)


def a_member(role: Role, **fields: Any) -> Usage:
    defaults: dict[str, Any] = {"budget_cpus": None, "throttled_ratio": None, "completed": None}
    return make_usage(member=role.value, role=role, **defaults | fields)


# -- generator_saturated -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, HOLDS),
        ({"cpu_ratio": 0.849}, HOLDS),
        ({"cpu_ratio": 0.85}, BROKEN),
        ({"lag_p99_ms": 20.0}, HOLDS),
        ({"lag_p99_ms": 20.1}, BROKEN),
        ({"lag_max_ms": 500.0}, HOLDS),
        ({"lost_workers": 1}, BROKEN),
    ],
)
def test_a_generator_keeps_up_or_not(fields: dict[str, Any], state: RuleState) -> None:
    found = load.generator_saturated(PLAN, CELL, [make_trial(generator=health(**fields))] * 3)

    assert found.state is state
    assert found.figure is not None


@pytest.mark.parametrize(("ratio", "state"), [(0.05, HOLDS), (0.06, BROKEN)])
def test_a_generator_must_not_be_held_by_a_quota(ratio: float, state: RuleState) -> None:
    usages = (a_member(Role.GENERATOR, throttled_ratio=ratio),)

    assert load.generator_saturated(PLAN, CELL, [make_trial(usages=usages)]).state is state


def test_one_bad_window_of_the_generator_is_no_saturation() -> None:
    trials = [make_trial()] * 4 + [make_trial(generator=health(cpu_ratio=1.0, lag_p99_ms=90.0))]

    assert load.generator_saturated(PLAN, CELL, trials).state is HOLDS


def test_one_lost_worker_in_any_window_is_enough() -> None:
    trials = [make_trial()] * 11 + [make_trial(generator=health(lost_workers=1))]

    found = load.generator_saturated(PLAN, CELL, trials)

    assert (found.state, found.figure) == (BROKEN, 1)
    assert "ended early" in found.detail


# -- proxy_saturated ---------------------------------------------------------------------------


@pytest.mark.parametrize(("cpu_s", "state"), [(0.84 * 2.5, HOLDS), (0.851 * 2.5, BROKEN)])
def test_a_proxy_has_cpu_left_or_not(cpu_s: float, state: RuleState) -> None:
    trial = make_trial(usages=(a_member(Role.PROXY, cpu_s=cpu_s),))

    assert load.proxy_saturated(PLAN, CELL, [trial]).state is state


@pytest.mark.parametrize(("ratio", "state"), [(0.05, HOLDS), (0.06, BROKEN)])
def test_a_proxy_must_not_be_held_by_a_quota(ratio: float, state: RuleState) -> None:
    trial = make_trial(usages=(a_member(Role.PROXY, throttled_ratio=ratio, cpu_s=0.1),))

    assert load.proxy_saturated(PLAN, CELL, [trial]).state is state


def test_a_request_that_was_passed_on_twice_is_told() -> None:
    trial = make_trial(answers={"gthread-1": 90, "10.0.0.1:8000, 10.0.0.2:8000": 1})

    found = load.proxy_saturated(PLAN, CELL, [trial])

    assert found.state is BROKEN
    assert "10.0.0.1:8000, 10.0.0.2:8000" in found.detail


def test_a_proxy_that_cannot_be_read_is_unchecked() -> None:
    assert load.proxy_saturated(PLAN, CELL, [make_trial(usages=())]).state is UNCHECKED


# -- conservation ------------------------------------------------------------------------------


def counted(sent: int, answered: int, proxy: int | None, replicas: int | None) -> Conservation:
    return Conservation(sent=sent, answered=answered, proxy=proxy, replicas=replicas)


@pytest.mark.parametrize(
    ("counts", "failures", "state"),
    [
        (counted(100, 100, 100, 100), {}, HOLDS),
        (counted(100, 100, 99, 100), {}, BROKEN),
        (counted(100, 100, 101, 100), {}, BROKEN),
        (counted(100, 100, 100, 99), {}, BROKEN),
        (counted(100, 100, 100, -96), {}, BROKEN),
        (counted(100, 98, 98, 98), {}, HOLDS),
        (counted(100, 98, 97, 97), {}, BROKEN),
        (counted(100, 100, 99, 98), {"reset": 2}, HOLDS),
        (counted(100, 100, 100, None), {}, HOLDS),
        (counted(100, 100, None, 100), {}, HOLDS),
        (counted(100, 100, None, 99), {}, BROKEN),
        (counted(100, 100, None, None), {}, UNCHECKED),
    ],
)
def test_all_count_the_same_requests_but_for_those_that_failed(
    counts: Conservation, failures: dict[str, int], state: RuleState
) -> None:
    trial = make_trial(conservation=counts, failures=failures)

    assert load.conservation(PLAN, CELL, [trial]).state is state


def test_the_worst_trial_is_named_with_both_counts() -> None:
    trials = [
        make_trial(conservation=counted(100, 100, 99, 100)),
        make_trial(conservation=counted(200, 200, 200, 150)),
    ]

    found = load.conservation(PLAN, CELL, trials)

    assert found.figure == 50
    assert "the generator sent 200 requests, and the replicas counted 150" in found.detail


# -- not_saturated -----------------------------------------------------------------------------


def stepped(*rates: float) -> Calibration:
    steps = tuple(
        CalibrationStep(
            worker="gthread", workload="cpu", users=2**n, throughput_rps=rate, mean_ms=None
        )
        for n, rate in enumerate(rates)
    )
    return make_calibration(steps=steps)


IDLE = (make_usage(cpu_s=0.1, throttled_ratio=0.1),)
FULL = (make_usage(cpu_s=0.24, throttled_ratio=0.9),)


@pytest.mark.parametrize(
    ("usages", "calibrations", "state"),
    [
        (FULL, [], HOLDS),
        (IDLE, [], BROKEN),
        (IDLE, [stepped(100, 104.9)], HOLDS),
        (IDLE, [stepped(100, 105.1)], BROKEN),
        (IDLE, [stepped(100, 150, 151)], HOLDS),
        (IDLE, [stepped(100)], BROKEN),
        (IDLE, [stepped(0, 0)], BROKEN),
        (IDLE, [make_calibration(worker="sync")], BROKEN),
    ],
)
def test_something_is_full_or_more_users_gain_nothing(
    usages: tuple[Usage, ...], calibrations: Sequence[Calibration], state: RuleState
) -> None:
    found = load.not_saturated(PLAN, CELL, [make_trial(usages=usages)], calibrations=calibrations)

    assert found.state is state


@pytest.mark.parametrize(
    ("answers", "state"),
    [((5, 5), BROKEN), ((60, 60), BROKEN), ((90, 90), HOLDS), ((1000, 1000), HOLDS)],
)
def test_no_gain_of_few_answers_may_be_chance(answers: tuple[int, int], state: RuleState) -> None:
    (calibration,) = [stepped(5.0, 5.0)]
    steps = tuple(
        replace(step, completed=completed)
        for step, completed in zip(calibration.steps, answers, strict=True)
    )

    unlimited = replace(PLAN, workers=tuple(replace(each, slots=None) for each in PLAN.workers))
    found, with_slots = (
        load.not_saturated(
            plan, CELL, [make_trial(usages=IDLE)], calibrations=[replace(calibration, steps=steps)]
        )
        for plan in (unlimited, PLAN)
    )

    assert found.state is state
    assert with_slots.state is HOLDS  # as many users as slots fill them
    if state is BROKEN:
        assert "too few answers" in found.detail


@pytest.mark.parametrize(("users", "state"), [(1, BROKEN), (2, HOLDS), (4, HOLDS)])
def test_fewer_users_than_saturate_a_replica_prove_nothing(users: int, state: RuleState) -> None:
    """The proxy has connections for no more, and the factor would be that of the users."""
    held = make_calibration(users_per_replica=users)

    found = load.not_saturated(PLAN, CELL, [make_trial(usages=IDLE)], calibrations=[held])

    assert found.state is state
    assert ("fewer than the 2 that saturated one" in found.detail) is (state is BROKEN)


def slots(service_ms: float) -> Trial:
    return make_trial(usages=IDLE, throughput_rps=100.0, service_ms=service_ms)


@pytest.mark.parametrize(("service_ms", "state"), [(72.1, HOLDS), (71.9, BROKEN)])
def test_slots_count_by_littles_law(service_ms: float, state: RuleState) -> None:
    """100 rps × 72 ms are 7.2 of the eight slots that the builders' gthread has: 90 %."""
    assert _saturation(slots(service_ms)).state is state


def test_a_host_that_others_fill_is_no_saturation_of_the_system() -> None:
    trial = make_trial(usages=IDLE, host=HostUse(steal_ratio=0.0, foreign_ratio=0.5))

    assert _saturation(trial).state is BROKEN


def _saturation(trial: Trial) -> Finding:
    return load.not_saturated(PLAN, CELL, [trial], calibrations=[])


@pytest.mark.parametrize(
    ("in_flight", "state"),
    [(16.0, HOLDS), (14.5, HOLDS), (14.3, BROKEN), (4.0, BROKEN), (None, HOLDS)],
)
def test_the_users_that_were_asked_for_are_under_way(
    in_flight: float | None, state: RuleState
) -> None:
    found = _saturation(make_trial(users=16, in_flight=in_flight, usages=FULL))

    assert found.state is state
    if state is BROKEN:
        assert "of the 16 users had a request in flight" in found.detail


@pytest.mark.parametrize(("idle", "state"), [(3, HOLDS), (4, BROKEN)])
def test_windows_in_which_nothing_was_full_are_not_hidden_by_the_others(
    idle: int, state: RuleState
) -> None:
    """Over all windows the replica uses 91 % of its budget, which alone counts as full."""
    full = make_trial(usages=(make_usage(cpu_s=0.255, throttled_ratio=0.9),))
    half_idle = make_trial(usages=(make_usage(cpu_s=0.175, throttled_ratio=0.5),))

    trials = [full] * (12 - idle) + [half_idle] * idle

    assert load.not_saturated(PLAN, CELL, trials, calibrations=[]).state is state


@pytest.mark.parametrize(("bad", "state"), [(3, HOLDS), (4, BROKEN)])
def test_a_generator_that_is_late_in_a_third_of_twelve_windows_is_told(
    bad: int, state: RuleState
) -> None:
    late = make_trial(generator=health(lag_p99_ms=60.0))

    found = load.generator_saturated(PLAN, CELL, [make_trial()] * (12 - bad) + [late] * bad)

    assert found.state is state


@pytest.mark.parametrize(("bad", "state"), [(3, HOLDS), (4, BROKEN)])
def test_a_proxy_that_is_full_in_a_third_of_twelve_windows_is_told(
    bad: int, state: RuleState
) -> None:
    full = make_trial(usages=(a_member(Role.PROXY, span_s=2.5, cpu_s=2.4),))

    found = load.proxy_saturated(PLAN, CELL, [make_trial()] * (12 - bad) + [full] * bad)

    assert found.state is state


def test_a_load_that_comes_near_its_own_limit_measures_the_limit() -> None:
    plan = replace(make_plan(), max_rps=60.0)
    trials = [make_trial(throughput_rps=55.0)]

    held = load.generator_saturated(plan, make_cell(), trials)
    free = load.generator_saturated(replace(plan, max_rps=100.0), make_cell(), trials)

    assert held.state is BROKEN
    assert "held to --max-rps 60" in held.detail
    assert free.state is HOLDS


@pytest.mark.parametrize(("ratio", "state"), [(0.05, HOLDS), (0.06, BROKEN)])
def test_users_that_wait_for_the_limit_measure_it_also_where_one_process_alone_reaches_it(
    ratio: float, state: RuleState
) -> None:
    plan = replace(make_plan(), max_rps=100.0)
    trial = make_trial(throughput_rps=55.0, generator=health(held_ratio=ratio))

    found = load.generator_saturated(plan, make_cell(), [trial])

    assert found.state is state
    assert ("waited for --max-rps 100 in 6% of their time" in found.detail) is (state is BROKEN)
    assert load.generator_saturated(make_plan(), make_cell(), [trial]).state is HOLDS
