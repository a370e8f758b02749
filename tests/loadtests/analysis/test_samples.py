import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.analysis.samples import latency, read_columns, reduce
from loadtests.model.vocabulary import Role
from tests.loadtests.analysis.raw_trials import (
    MS,
    WINDOW_S,
    a_raw_trial,
    a_reading,
    an_edge,
    reduced,
    the_usage,
)
from tests.loadtests.builders import STARTED_AT_S, make_budget, make_cell, make_spec
from tests.loadtests.fakes import sample_bytes


def test_a_request_counts_in_the_window_in_which_it_ends() -> None:
    just_before, first, last, just_after = -1, 0, 2_000_000 - 1, 2_000_000

    trial = reduced(sample_bytes(done_us=[just_before, first, last, just_after]))

    assert trial.completed == 2
    assert trial.throughput_rps == 2 / WINDOW_S


def test_a_request_that_began_before_the_window_counts_too() -> None:
    trial = reduced(sample_bytes(done_us=[500 * MS], duration_us=900 * MS))

    assert trial.completed == 1
    assert trial.latency is not None
    assert trial.latency.max_ms == 900


def test_requests_under_way_are_counted_by_the_time_that_they_share_with_the_window() -> None:
    """One is there all the time, one from before for a quarter, one at the end for an eighth."""
    trial = reduced(
        sample_bytes(
            done_us=[3_000_000, 500_000, 2_250_000, -1, 2_900_000],
            duration_us=[4_000_000, 600_000, 500_000, 500_000, 800_000],
        )
    )

    assert trial.in_flight == pytest.approx(1 + 0.25 + 0.125)


def test_what_was_never_answered_was_under_way_from_when_it_was_sent() -> None:
    samples = sample_bytes(
        done_us=[1_000_000, 7_000_000], duration_us=[1_000_000, 6_500_000], outcome=[0, 1]
    )

    trial = reduced(samples, finished={"outcomes": ["ok", "undrained"], "sent": 2, "answered": 1})

    assert trial.in_flight == pytest.approx(0.5 + 0.75)


def test_failures_are_counted_by_kind_and_are_no_throughput() -> None:
    samples = sample_bytes(
        done_us=[100, 200, 300, 400, 500, 600],
        status=[200, 500, 500, 404, 0, 200],
        outcome=[0, 1, 1, 1, 2, 3],
    )

    trial = reduced(samples, finished={"outcomes": ["ok", "status", "timeout", "truncated"]})

    assert (trial.completed, trial.failed) == (1, 5)
    assert trial.failures == {"status 404": 1, "status 500": 2, "timeout": 1, "truncated": 1}


def test_failures_that_a_limit_of_time_may_explain_have_their_shortest_time() -> None:
    """From the sending on; not those of a bad status, and no timeout of the generator's own."""
    samples = sample_bytes(
        done_us=[40 * MS, 600 * MS, 700 * MS, 1_900 * MS, 800 * MS],
        due_us=[0, 10 * MS, 0, 0, 0],
        sent_us=[10 * MS, 20 * MS, 90 * MS, 900 * MS, 100 * MS],
        status=[200, 200, 304, 0, 500],
        outcome=[0, 1, 1, 2, 3],
    )

    trial = reduced(samples, finished={"outcomes": ["ok", "rejected", "timeout", "status"]})

    (request,) = trial.requests
    assert request.slowest_ms == 30
    assert request.late_ms == {"rejected": 580, "timeout": 1000}


def test_answers_that_were_rejected_with_a_bad_status_are_of_that_status() -> None:
    """They are no matter of time, and the others may be."""
    samples = sample_bytes(
        done_us=[40 * MS, 600 * MS, 700 * MS], status=[200, 200, 404], outcome=[0, 1, 1]
    )

    (request,) = reduced(samples, finished={"outcomes": ["ok", "rejected"]}).requests

    assert request.kinds == {"rejected": 1, "status 404": 1}
    assert set(request.late_ms) == {"rejected"}


def test_failures_outside_the_window_are_not_the_windows() -> None:
    trial = reduced(sample_bytes(done_us=[-5, 2_000_001], outcome=1, status=500))

    assert (trial.completed, trial.failed, trial.failures) == (0, 0, {})


def test_a_request_that_hung_in_the_window_and_was_given_up_after_it_failed() -> None:
    """Not one that was sent after it, nor one that had a bad answer after it."""
    samples = sample_bytes(
        done_us=[MS, 7_000_000, 3_000_000, 7_000_000, 2_100_000],
        duration_us=[MS, 6_000_000, 1_500_000, 4_000_000, 200_000],
        outcome=[0, 1, 2, 1, 3],
        status=[200, 0, 0, 0, 500],
    )

    trial = reduced(samples, finished={"outcomes": ["ok", "undrained", "timeout", "status"]})

    assert (trial.completed, trial.failed) == (1, 2)
    assert trial.failures == {"undrained": 1, "timeout": 1}


@pytest.mark.parametrize("done_us", [[], [-5]])
def test_a_window_without_success_has_no_latency(done_us: list[int]) -> None:
    trial = reduced(sample_bytes(done_us=done_us))

    assert (trial.completed, trial.throughput_rps, trial.latency) == (0, 0.0, None)
    assert trial.quarters_rps == (0.0, 0.0, 0.0, 0.0)
    assert trial.answers == {"gthread-1": 0}


def test_a_table_without_ok_means_no_success() -> None:
    assert reduced(finished={"outcomes": ["status"]}).completed == 0


def test_latency_is_from_the_due_time() -> None:
    trial = reduced(sample_bytes(done_us=[100 * MS], due_us=[20 * MS], sent_us=[90 * MS]))

    assert trial.latency is not None
    assert trial.latency.p50_ms == 80


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=200))
def test_percentiles_are_values_that_occurred(durations: list[int]) -> None:
    found = latency(np.array(durations, dtype=np.int64))

    assert found is not None
    in_order = sorted(durations)
    for share, value_ms in ((0.5, found.p50_ms), (0.9, found.p90_ms), (0.99, found.p99_ms)):
        value = round(value_ms * 1000)
        assert value in durations
        at_or_below = sum(each <= value for each in durations)
        assert at_or_below / len(durations) >= share - 1e-9
        assert sum(each < value for each in in_order) / len(durations) < share + 1e-9
    assert found.max_ms == max(durations) / 1000
    assert found.mean_ms == pytest.approx(sum(durations) / len(durations) / 1000)


def test_quarters_are_rates_of_the_windows_parts_in_order() -> None:
    done_us = [0, 100, 499_999, 500_000, 1_999_999]

    trial = reduced(sample_bytes(done_us=done_us))

    assert trial.quarters_rps == (6.0, 2.0, 0.0, 2.0)


def test_answers_are_counted_by_the_proxys_word() -> None:
    trial = reduced(
        sample_bytes(done_us=[1, 2, 3, 4, -1], replica=[0, 0, 1, -1, 0]),
        spec=make_spec(cell=make_cell(replicas=2)),
        finished={"replicas": ["10.0.0.1:8000", "10.0.0.2:8000"]},
        addresses={"10.0.0.1:8000": "gthread-1", "10.0.0.2:8000": "gthread-2"},
    )

    assert trial.answers == {"gthread-1": 2, "gthread-2": 1}


def test_a_member_that_never_answered_is_counted_with_none() -> None:
    trial = reduced(
        addresses={"10.0.0.1:8000": "gthread-1", "10.0.0.9:8000": "gthread-9"},
    )

    assert trial.answers == {"gthread-1": 1, "gthread-9": 0}


def test_a_stranger_keeps_its_address() -> None:
    trial = reduced(finished={"replicas": ["10.0.0.7:8000"]})

    assert trial.answers == {"gthread-1": 0, "10.0.0.7:8000": 1}


# -- what is passed on -------------------------------------------------------------------------


def test_the_generators_health_is_its_own_word_over_the_window() -> None:
    health = reduced(
        finished={"cpu_s": 0.5, "lag_p99_ms": 3.0, "dropped": 2, "lost_workers": 1}
    ).generator

    assert (health.cpu_ratio, health.lag_p99_ms) == (0.25, 3.0)
    assert (health.dropped, health.lost_workers) == (2, 1)


def test_counts_of_the_whole_trial_are_kept_side_by_side() -> None:
    counts = reduced(
        finished={"sent": 9, "answered": 8}, proxy_requests=7, replica_requests=None
    ).conservation

    assert (counts.sent, counts.answered, counts.proxy, counts.replicas) == (9, 8, 7, None)


def test_columns_are_wide_integers_whatever_was_stored() -> None:
    columns = read_columns(sample_bytes(done_us=[2**40], status=200))

    assert columns.done_us.dtype == columns.status.dtype == np.int64
    assert columns.done_us.tolist() == [2**40]


def test_the_stores_cpu_is_held_against_its_own_budget() -> None:
    raw = a_raw_trial(
        opened=an_edge(a_reading("store")),
        closed=an_edge(a_reading("store", at_s=STARTED_AT_S + WINDOW_S, cpu_s=10.4)),
    )

    trial = reduce(raw, make_budget(store_cpus=0.5), service_ms=20.0)

    usage = the_usage(trial, "store")
    assert (usage.role, usage.budget_cpus, usage.completed) == (Role.STORE, 0.5, None)
    assert usage in trial.usages


def test_the_users_wait_for_the_limit_is_a_share_of_their_time() -> None:
    held = {"held_s": 0.4}  # of four users, in two seconds

    assert reduced(finished=held).generator.held_ratio == pytest.approx(0.05)
    assert reduced().generator.held_ratio == 0.0


@pytest.mark.parametrize(("took_s", "count"), [(0.099, 1), (0.101, 0)])
def test_a_counter_that_took_over_a_twentieth_of_the_window_to_read_is_left_out(
    took_s: float, count: int
) -> None:
    before = a_reading(at_s=STARTED_AT_S, took_s=took_s)
    after = a_reading(at_s=STARTED_AT_S + WINDOW_S, cpu_s=11.0)

    trial = reduced(opened=an_edge(before), closed=an_edge(after))

    assert len(trial.usages) == count


def test_the_limit_that_a_replica_tells_is_its_budget() -> None:
    before = a_reading(at_s=STARTED_AT_S)
    after = a_reading(at_s=STARTED_AT_S + WINDOW_S, cpu_s=11.0, limit_cpus=0.5)

    trial = reduced(opened=an_edge(before), closed=an_edge(after))

    assert the_usage(trial, "gthread-1").budget_cpus == 0.5


def test_a_program_that_reads_after_the_load_tells_what_the_load_used() -> None:
    """It read 3 s after a load of 2.1 s, in which the replica used one CPU."""
    before = a_reading(at_s=STARTED_AT_S + 0.1, asked_at_s=STARTED_AT_S, took_s=0.05)
    after = a_reading(
        at_s=STARTED_AT_S + 5.0, asked_at_s=STARTED_AT_S + 2.0, took_s=1.0, cpu_s=12.0
    )

    trial = reduced(opened=an_edge(before), closed=an_edge(after))

    usage = the_usage(trial, "gthread-1")
    assert usage.cpu_s / usage.span_s == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("before", "after", "counted"), [(10, 28, 18), (None, 28, None), (None, None, None)]
)
def test_a_usage_has_the_cpu_periods_that_the_kernel_counted(
    before: int | None, after: int | None, counted: int | None
) -> None:
    opened, closed = (
        an_edge(a_reading(at_s=STARTED_AT_S + at_s, periods=periods))
        for at_s, periods in ((0.0, before), (2.0, after))
    )

    assert the_usage(reduced(opened=opened, closed=closed), "gthread-1").periods == counted


def test_counters_that_were_first_read_after_the_load_tell_nothing() -> None:
    before = a_reading(at_s=STARTED_AT_S + 3.0, asked_at_s=STARTED_AT_S)
    after = a_reading(at_s=STARTED_AT_S + 6.0, asked_at_s=STARTED_AT_S + 5.0, cpu_s=12.0)

    assert reduced(opened=an_edge(before), closed=an_edge(after)).usages == ()


def test_an_idle_control_is_among_the_idle_usages_and_not_among_the_replicas() -> None:
    names = ("gthread-0", "gthread-1", "gthread-2")
    opened = an_edge(*(a_reading(name) for name in names))
    closed = an_edge(*(a_reading(name, at_s=STARTED_AT_S + WINDOW_S, cpu_s=10.5) for name in names))

    trial = reduced(opened=opened, closed=closed)

    assert [usage.member for usage in trial.usages] == ["gthread-1"]
    assert [usage.member for usage in trial.idle_usages] == ["gthread-0", "gthread-2"]
