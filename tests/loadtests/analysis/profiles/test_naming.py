"""The bottleneck that no counter showed."""

import pytest

from loadtests.analysis import verdict
from loadtests.analysis.profiles.naming import gain
from loadtests.model.profiles.records import CellProfile, Stack, Waiting
from loadtests.model.result import CellResult
from loadtests.model.vocabulary import Bottleneck
from tests.loadtests.analysis.profiles.builders import STACKS, WAITING, frame, make_profile
from tests.loadtests.builders import (
    make_cell,
    make_facts,
    make_machine,
    make_plan,
    make_trials,
    make_usage,
)

PLAN = make_plan(replica_counts=(1, 2))
LARGE = make_cell(replicas=2)
CPU = Waiting.CPU


def largest_cell(profiles: tuple[CellProfile, ...], *, used: float) -> CellResult:
    """Return the cell of a run whose replicas used this share of their CPU."""
    trials = tuple(
        trial.__class__(
            **vars(trial)
            | {
                "usages": tuple(
                    make_usage(member=name, cpu_s=used * 0.1 * 2.5, throttled_ratio=0.0)
                    for name in trial.answers
                )
            }
        )
        for trial in make_trials(PLAN)
    )
    result = verdict.conclude(make_facts(), make_machine(), PLAN, trials, (), (), profiles=profiles)
    (cell,) = [cell for cell in result.cells if cell.cell == LARGE]
    return cell


def a_profile(*stacks: Stack) -> CellProfile:
    return make_profile([(0, 0, 0)] * 40, cell=LARGE, stacks=stacks)


def test_requests_that_wait_for_the_store_make_it_the_bottleneck() -> None:
    cell = largest_cell((a_profile(WAITING),), used=0.3)

    assert cell.bottleneck is Bottleneck.STORE
    assert cell.bottleneck_detail.startswith("At 2 replicas, a request spends 30 of its 30 ms")


def test_requests_that_wait_for_something_else_are_waiting() -> None:
    asleep = Stack(frames=STACKS[1].frames, kind=Waiting.SLEEP)

    assert largest_cell((a_profile(asleep),), used=0.3).bottleneck is Bottleneck.WAITING


def at_line(line: int, kind: Waiting) -> Stack:
    frames = (*WAITING.frames[:-2], frame(f"/srv/shop/views.py:{line}", "view"))
    return Stack(frames=frames, kind=kind)


def looked_at(*counts: tuple[int, Waiting]) -> CellProfile:
    stacks = tuple(at_line(line, kind) for line, (_, kind) in enumerate(counts, start=1))
    look = tuple(number for number, (count, _) in enumerate(counts) for _ in range(count))
    return make_profile([look] * 40, cell=LARGE, stacks=stacks, mean_ms=200.0)


def test_a_wait_that_is_a_small_part_of_a_request_is_no_bottleneck() -> None:
    others = (Waiting.CPU, Waiting.SOCKET, Waiting.SLEEP)
    profile = looked_at((4, Waiting.STORE), *((3, kind) for kind in others))

    cell = largest_cell((profile,), used=0.3)

    assert cell.bottleneck is Bottleneck.UNEXPLAINED
    assert "a request spends probably 40 of its 130 ms" in cell.bottleneck_detail
    assert "o monitored resource was saturated" in cell.bottleneck_detail


def test_a_wait_in_many_lines_that_is_most_of_a_request_is_the_bottleneck() -> None:
    profile = looked_at(*[(3, Waiting.STORE)] * 3, (3, Waiting.CPU))

    assert largest_cell((profile,), used=0.3).bottleneck is Bottleneck.STORE


def test_what_waits_for_a_core_after_the_stores_answers_counts_as_the_store() -> None:
    lines = tuple(at_line(line, kind) for line in (1, 2, 3) for kind in (Waiting.STORE, CPU))
    profile = make_profile(
        [(0, 0, 1, 1, 1, 2, 2, 3, 3, 3, 4, 4, 5, 5, 5)] * 40,
        cell=LARGE,
        stacks=lines,
        mean_ms=200.0,
    )

    cell = largest_cell((profile,), used=0.3)

    assert "probably" in cell.bottleneck_detail
    assert cell.bottleneck is Bottleneck.STORE


def test_requests_that_compute_leave_the_bottleneck_unexplained_but_say_where() -> None:
    cell = largest_cell((a_profile(STACKS[1]),), used=0.3)

    assert cell.bottleneck is Bottleneck.UNEXPLAINED
    assert "/srv/shop/pages.py:12 render" in cell.bottleneck_detail
    assert "o monitored resource was saturated" in cell.bottleneck_detail


def test_a_bottleneck_that_a_counter_showed_stays() -> None:
    assert largest_cell((a_profile(WAITING),), used=0.98).bottleneck is Bottleneck.REPLICA_CPU


def test_without_a_profile_nothing_changes() -> None:
    assert largest_cell((), used=0.3).bottleneck is Bottleneck.UNEXPLAINED


def test_a_gain_is_the_speed_up_as_a_share_of_perfect() -> None:
    rates = {make_cell(): 50.0, LARGE: 75.0}

    assert gain(rates, (1, 2), "gthread", "cpu") == pytest.approx(0.75)
    assert gain({}, (1, 2), "gthread", "cpu") == 1.0
