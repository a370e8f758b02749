"""What each member used in a window, and what the machine did beside the stack."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from loadtests.analysis import bottleneck
from tests.loadtests.analysis.raw_trials import (
    MS,
    WINDOW_S,
    a_host,
    a_reading,
    an_edge,
    reduced,
    the_usage,
)
from tests.loadtests.builders import STARTED_AT_S, make_budget
from tests.loadtests.fakes import sample_bytes

# -- what each member used ---------------------------------------------------------------------


def edges(
    before: Mapping[str, Any], after: Mapping[str, Any], member: str = "gthread-1"
) -> dict[str, Any]:
    return {
        "opened": an_edge(a_reading(member, **before)),
        "closed": an_edge(a_reading(member, **{"at_s": STARTED_AT_S + WINDOW_S, **after})),
    }


def test_usage_is_what_grew_between_the_readings() -> None:
    before = {"cpu_s": 10.0, "periods": 100, "throttled_periods": 50}
    after = {"cpu_s": 10.2, "periods": 120, "throttled_periods": 65, "memory_bytes": 7}

    usage = the_usage(reduced(**edges(before, after)), "gthread-1")

    assert usage.span_s == pytest.approx(2.0)
    assert usage.cpu_s == pytest.approx(0.2)
    assert usage.throttled_ratio == 0.75
    assert usage.memory_bytes == 7
    assert usage.budget_cpus == make_budget().replica_cpus


def test_requests_are_counted_from_reading_to_reading_not_from_edge_to_edge() -> None:
    late = {"at_s": STARTED_AT_S + 0.010}
    later = {"at_s": STARTED_AT_S + 2.010}
    samples = sample_bytes(done_us=[5 * MS, 15 * MS, 2_005 * MS, 2_015 * MS])

    trial = reduced(samples, **edges(late, later))

    assert the_usage(trial, "gthread-1").completed == 2
    assert trial.completed == 2


def test_the_proxy_is_credited_with_all_that_a_replica_answered() -> None:
    samples = sample_bytes(done_us=[1, 2, 3], replica=[0, 0, -1])

    trial = reduced(samples, **edges({}, {}, "proxy"))

    assert the_usage(trial, "proxy").completed == 2
    assert the_usage(trial, "proxy").budget_cpus is None


@pytest.mark.parametrize(
    ("before", "after", "ratio"),
    [
        ({}, {}, None),
        ({"periods": 1, "throttled_periods": 1}, {}, None),
        (
            {"periods": 9, "throttled_periods": 9},
            {"periods": 9, "throttled_periods": 9},
            0.0,
        ),
    ],
)
def test_holding_is_unknown_where_it_is_not_counted_and_none_where_nothing_ran(
    before: dict[str, Any], after: dict[str, Any], ratio: float | None
) -> None:
    assert the_usage(reduced(**edges(before, after)), "gthread-1").throttled_ratio == ratio


@pytest.mark.parametrize(
    ("periods", "throttled_periods", "ratio"),
    [
        (20, 15, 0.75),
        (16, 14, 0.7),  # idle for the other four, which the kernel does not count
        (19, 19, 0.95),
        (40, 30, 0.75),  # of a shorter period
    ],
)
def test_periods_in_which_a_member_was_idle_count_as_not_held_back(
    periods: int, throttled_periods: int, ratio: float
) -> None:
    before = {"periods": 100, "throttled_periods": 50}
    after = {"periods": 100 + periods, "throttled_periods": 50 + throttled_periods}

    usage = the_usage(reduced(**edges(before, after)), "gthread-1")

    assert usage.throttled_ratio == pytest.approx(ratio)


def test_a_replica_that_waits_for_a_quarter_of_its_time_is_not_full() -> None:
    """It waits for 0.5 s and then computes for 0.15 s with 0.1 CPU, again and again."""
    before = {"cpu_s": 10.0, "periods": 100, "throttled_periods": 50}
    after = {"cpu_s": 10.15, "periods": 116, "throttled_periods": 64}

    usage = the_usage(reduced(**edges(before, after)), "gthread-1")

    assert not bottleneck.is_full(usage)


def test_replicas_that_are_not_in_the_trial_are_idle() -> None:
    members = ("gthread-1", "gthread-2", "sync-1", "proxy", "generator", "metronome")
    readings = tuple(a_reading(member) for member in members)
    later = tuple(replace(reading, at_s=STARTED_AT_S + 2) for reading in readings)

    trial = reduced(opened=an_edge(*readings), closed=an_edge(*later))

    assert [usage.member for usage in trial.idle_usages] == ["gthread-2", "sync-1"]
    assert len(trial.usages) == 4


def test_a_member_that_ended_in_the_window_has_no_usage() -> None:
    trial = reduced(opened=an_edge(a_reading()), closed=an_edge())

    assert trial.usages == ()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"cpu_s": 10.0}, {"cpu_s": 0.3}),
        ({"throttled_s": 3.0}, {"throttled_s": 0.1}),
        ({"periods": 90, "throttled_periods": 50}, {"periods": 100, "throttled_periods": 7}),
        ({"cpu_s": 10.0}, {"cpu_s": float("nan")}),
    ],
)
def test_a_member_whose_counters_went_back_has_no_usage(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert reduced(**edges(before, after)).usages == ()


# -- the machine -------------------------------------------------------------------------------


def test_others_used_what_was_neither_idle_nor_stolen_nor_ours() -> None:
    opened = an_edge(a_reading(cpu_s=5.0), host=a_host(0.0), harness_cpu_s=1.0)
    closed = an_edge(
        a_reading(cpu_s=5.5, at_s=STARTED_AT_S + 2),
        host=a_host(2.0, busy_s=1.5, idle_s=2.0, steal_s=0.4),
        harness_cpu_s=1.1,
    )

    trial = reduced(opened=opened, closed=closed)

    assert trial.host is not None
    assert trial.host.steal_ratio == pytest.approx(0.4 / 4)
    assert trial.host.foreign_ratio == pytest.approx((4 - 2 - 0.4 - 0.6) / 4)


def test_a_counter_that_went_back_is_no_foreign_load() -> None:
    opened = an_edge(a_reading(cpu_s=5.0), host=a_host(0.0))
    closed = an_edge(
        a_reading(cpu_s=0.5, at_s=STARTED_AT_S + 2), host=a_host(2.0, busy_s=1.0, idle_s=3.0)
    )

    trial = reduced(opened=opened, closed=closed)

    assert trial.host is not None
    assert trial.host.foreign_ratio == pytest.approx(1 / 4)


def test_a_member_that_ends_in_the_window_is_no_foreign_load() -> None:
    opened = an_edge(a_reading(cpu_s=500.0), host=a_host(0.0))
    closed = an_edge(host=a_host(2.0, idle_s=4.0))

    trial = reduced(opened=opened, closed=closed)

    assert trial.host is not None
    assert trial.host.foreign_ratio == 0


@pytest.mark.parametrize("missing", ["opened", "closed"])
def test_a_machine_that_cannot_be_read_is_unknown(missing: str) -> None:
    hosts = {"opened": a_host(0.0), "closed": a_host(2.0)} | {missing: None}
    opened, closed = (an_edge(host=hosts[name]) for name in ("opened", "closed"))

    assert reduced(opened=opened, closed=closed).host is None


def test_the_cores_speeds_are_geometric_means_of_the_work_a_cpu_second() -> None:
    trial = reduced(
        opened=an_edge(pulse={1: (100.0, 1.0, 1.0), 2: (0.0, 0.0, 0.0)}),
        closed=an_edge(pulse={1: (500.0, 2.0, 5.0), 2: (200.0, 2.0, 0.5)}),
    )

    assert trial.core_speed == pytest.approx(200.0)  # 400 and 100
    assert trial.memory_speed == pytest.approx(200.0)  # 100 and 400


@pytest.mark.parametrize(
    "pulses",
    [
        (None, {1: (1.0, 1.0, 1.0)}),
        ({1: (1.0, 1.0, 1.0)}, None),
        ({1: (1.0, 1.0, 1.0)}, {1: (1.0, 1.0, 1.0)}),
        ({1: (1.0, 1.0, 1.0)}, {1: (2.0, 2.0, 1.0)}),
        ({1: (1.0, 1.0, 1.0)}, {1: (2.0, 2.0, 2.0), 2: (1.0, 1.0, 1.0)}),
        ({}, {}),
    ],
)
def test_a_metronome_that_stands_still_tells_no_speed(pulses: tuple[Any, Any]) -> None:
    opened, closed = (an_edge(pulse=pulse) for pulse in pulses)

    trial = reduced(opened=opened, closed=closed)

    assert (trial.core_speed, trial.memory_speed) == (None, None)
