"""A count must have every increment, whichever server took it."""

from typing import Any

import pytest

from loadtests.analysis.consistency.declared import judge, number_in
from loadtests.model.consistency import (
    SAMPLE_CHECKS,
    Check,
    CheckKind,
    ProbeResult,
    ProbeState,
    Step,
)
from tests.loadtests.analysis.consistency.test_declared import NO_STORE, a_record, seen, told

COUNTER = SAMPLE_CHECKS[2]


def counted(*counts: tuple[str, int], before: int = 5, **fields: Any) -> ProbeResult:
    """Judge a counter that was at ``before`` and was told to count four more."""
    return judge(
        a_record(
            *(seen(replica, body=f'{{"count": {count}}}') for replica, count in counts),
            check=COUNTER,
            before=seen("gthread-1", body=f'{{"count": {before}}}'),
            writes=(seen("gthread-1"), seen("gthread-2")) * 2,
            **fields,
        )
    )


def test_a_counter_that_counts_all_is_ok() -> None:
    assert counted(("gthread-1", 9), ("gthread-2", 9)).state is ProbeState.OK


def test_a_counter_that_each_server_has_for_itself_breaks() -> None:
    result = counted(("gthread-1", 2), ("gthread-2", 2), before=0)

    assert told(result) == (
        ProbeState.BREAKS,
        "After 4 times POST /state/counter, with an expected count of 4, GET /state/counter was"
        ' answered by gthread-2 with 200 {"count": 2} (1 of 1 times).',
    )
    assert (result.written_by, result.one_server) == (None, False)


def test_a_server_that_gives_two_counts_breaks_alone() -> None:
    result = counted(("gthread-1", 1), ("gthread-1", 2), ("gthread-2", 1), before=0)

    assert result.one_server
    assert "the processes of gthread-1 do not agree" in result.detail


def test_servers_without_a_name_are_not_taken_for_one() -> None:
    reads = [seen(None, body=f'{{"count": {count}}}') for count in (6, 7)]
    fields: dict[str, Any] = {"check": COUNTER, "before": seen(None, body='{"count": 5}')}

    result = judge(a_record(*reads, writes=(seen(None),) * 4, **fields))

    assert (result.state, result.one_server) == (ProbeState.BREAKS, False)


def test_a_counter_with_a_lost_increment_breaks() -> None:
    assert counted(("gthread-1", 8), ("gthread-2", 8)).state is ProbeState.BREAKS


@pytest.mark.parametrize(
    "changes",
    [
        {"writes": (seen("gthread-1"), seen("gthread-2", 503))},
        {"writes": ()},
        {"before": seen("gthread-1", 503, NO_STORE)},
    ],
)
def test_increments_that_were_not_all_taken_are_not_judged(changes: dict[str, Any]) -> None:
    fields: dict[str, Any] = {
        "check": COUNTER,
        "before": seen("gthread-1", body='{"count": 0}'),
        "writes": (seen("gthread-1"), seen("gthread-2")),
    }
    reads = [seen("gthread-1", body='{"count": 1}')]

    assert judge(a_record(*reads, **fields | changes)).state is ProbeState.UNCHECKED


VIEWS = Check(
    name="views",
    kind=CheckKind.COUNT,
    write=Step(method="GET", path="/"),
    read=Step(method="GET", path="/"),
)


def viewed(*views: tuple[str, int], **fields: Any) -> ProbeResult:
    """Judge a page that counts its views; it was viewed once, and then twice on each replica."""
    return judge(
        a_record(
            *(seen(replica, body=f"viewed {view} times") for replica, view in views),
            check=VIEWS,
            before=seen("gthread-1", body="viewed 1 times"),
            writes=(seen("gthread-1"), seen("gthread-2")) * 2,
            **fields,
        )
    )


def test_reads_that_count_themselves_in_one_store_are_right() -> None:
    result = viewed(("gthread-1", 6), ("gthread-2", 9), ("gthread-2", 7), ("gthread-1", 8))

    assert told(result) == (ProbeState.OK, "All 4 answers of 2 replicas were right.")


@pytest.mark.parametrize(
    "views",
    [
        (("gthread-1", 6), ("gthread-2", 7), ("gthread-2", 7), ("gthread-1", 8)),
        (("gthread-1", 6), ("gthread-2", 7), ("gthread-2", 8), ("gthread-1", 10)),
        (("gthread-1", 5), ("gthread-2", 6), ("gthread-2", 7), ("gthread-1", 8)),
    ],
    ids=["one twice", "one more", "a view was lost before"],
)
def test_reads_that_count_themselves_wrongly_break(views: tuple[tuple[str, int], ...]) -> None:
    assert viewed(*views).state is ProbeState.BREAKS


def test_reads_that_count_themselves_leave_a_gap_where_an_answer_was_lost() -> None:
    result = judge(
        a_record(
            seen("gthread-1", body="viewed 4 times"),
            seen("gthread-2", None, error="timeout"),
            seen("gthread-2", body="viewed 6 times"),
            check=VIEWS,
            before=seen("gthread-1", body="viewed 1 times"),
            writes=(seen("gthread-1"), seen("gthread-2")),
        )
    )

    assert result.state is ProbeState.UNCHECKED


def test_an_error_among_reads_that_count_themselves_is_the_one_that_is_wrong() -> None:
    record = a_record(
        seen("gthread-1", body="viewed 4 times"),
        seen("gthread-2", 500, "sorry"),
        check=VIEWS,
        before=seen("gthread-1", body="viewed 1 times"),
        writes=(seen("gthread-1"), seen("gthread-2")),
    )

    result = judge(record)

    assert (result.right, result.wrong) == ({"gthread-1": 1}, {"gthread-2": 1})
    assert result.state is ProbeState.BREAKS


def test_views_that_each_server_counts_for_itself_break_with_a_second_one_only() -> None:
    """One server counts its views in turn, so its processes agree."""
    views = (("gthread-1", 4), ("gthread-1", 5), ("gthread-2", 3), ("gthread-2", 4))

    result = viewed(*views)

    assert (result.state, result.one_server) == (ProbeState.BREAKS, False)


def test_views_that_each_process_counts_for_itself_break_with_one_server() -> None:
    views = (("gthread-1", 3), ("gthread-1", 5), ("gthread-2", 3), ("gthread-2", 4))

    result = viewed(*views)

    assert (result.state, result.one_server) == (ProbeState.BREAKS, True)


def test_a_counter_that_no_write_moves_is_the_checks_own_fault() -> None:
    assert counted(("gthread-1", 5), ("gthread-2", 5)).state is ProbeState.UNCHECKED


def test_a_number_of_thousands_of_digits_is_no_counters() -> None:
    assert number_in(seen("gthread-1", body="9" * 5000)) is None
    assert number_in(seen("gthread-1", body="count: 12")) == 12
