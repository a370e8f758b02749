from __future__ import annotations

import itertools
from statistics import mean

import pytest

from loadtests.model.plan import Cell
from loadtests.planning.trial_timing import in_service_ratio, part, settle_s

CELL = Cell(worker="gthread", workload="io", replicas=2)
SEEDS = range(400)


@pytest.mark.parametrize(
    ("answer_s", "part", "expected_s"),
    [
        (0.1, 0.0, 0.5),
        (0.1, 0.5, 0.55),
        (0.25, 0.0, 0.5),
        (0.6, 0.0, 1.2),
        (0.6, 0.5, 1.5),
        (1.0, 0.5, 2.5),
        (5.0, 0.5, 6.5),
        (11.2, 0.5, 9.6),
        (30.0, 0.5, 14.0),
        (0.0, 0.5, 0.5),
    ],
)
def test_a_trial_settles_for_two_answers_where_they_take_long_and_a_part_of_one_more(
    answer_s: float, part: float, expected_s: float
) -> None:
    assert settle_s(answer_s, 0.5, part=part) == pytest.approx(expected_s)


@pytest.mark.parametrize(
    ("answer_s", "ratio", "part", "expected_s"),
    [
        (0.4, 0.25, 0.0, 0.5),  # each user has had an answer
        (0.4, 0.25, 1.0, 0.6),
        (0.8, 0.25, 0.0, 0.8),
        (0.8, 0.75, 0.0, 1.2),
        (0.8, 1.0, 1.0, 2.4),
        (9.0, 0.1, 0.0, 4.0),
    ],
)
def test_a_trial_does_not_settle_for_answers_that_wait_for_a_slot(
    answer_s: float, ratio: float, part: float, expected_s: float
) -> None:
    settled_s = settle_s(answer_s, 0.5, part=part, in_service_ratio=ratio)

    assert settled_s == pytest.approx(expected_s)


@pytest.mark.parametrize(
    ("slots", "users", "ratio"), [(4, 16, 0.25), (8, 8, 1.0), (8, 2, 1.0), (None, 64, 1.0)]
)
def test_as_many_requests_are_in_service_as_there_are_slots(
    slots: int | None, users: int, ratio: float
) -> None:
    assert in_service_ratio(slots, users) == ratio


@pytest.mark.parametrize(("rounds", "limit"), [(6, 0.25), (12, 0.15)])
def test_the_parts_of_a_cell_leave_no_large_gap(rounds: int, limit: float) -> None:
    for seed in SEEDS:
        parts = sorted(part(seed, CELL, nth) for nth in range(rounds))
        gaps = [after - before for before, after in itertools.pairwise(parts)]

        assert max(*gaps, 1 + parts[0] - parts[-1]) < limit


def test_over_all_seeds_each_part_is_drawn_evenly() -> None:
    firsts = [part(seed, CELL, 0) for seed in SEEDS]

    assert mean(firsts) == pytest.approx(0.5, abs=0.05)
    assert mean(each < 0.25 for each in firsts) == pytest.approx(0.25, abs=0.07)


def test_two_cells_begin_elsewhere_and_a_seed_begins_where_it_did() -> None:
    other = Cell(worker="gthread", workload="io", replicas=4)

    assert part(1, CELL, 0) != part(1, other, 0)
    assert part(1, CELL, 3) == part(1, CELL, 3)
