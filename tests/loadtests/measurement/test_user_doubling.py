"""The search for the number of users by itself, and the queue that is added to it."""

import pytest

from loadtests.measurement.user_calibration import double_users, first_users, with_queue
from loadtests.model.plan import MOST_USERS
from loadtests.model.trial import CalibrationStep


def a_step(users: int, throughput_rps: float) -> CalibrationStep:
    return CalibrationStep(
        worker="sync", workload="cpu", users=users, throughput_rps=throughput_rps, mean_ms=None
    )


def test_without_a_step_before_the_first_is_held_against_nothing() -> None:
    steps = double_users(4, lambda users: a_step(users, 100.0))

    assert [step.users for step in steps] == [4, 8]


def test_a_first_step_that_gains_nothing_over_the_one_before_is_the_last() -> None:
    steps = double_users(4, lambda users: a_step(users, 100.0), before=a_step(1, 99.0))

    assert [step.users for step in steps] == [4]


@pytest.mark.parametrize(
    ("slots", "step", "users"),
    [(None, 1, 2), (1, 1, 2), (2, 1, 2), (8, 1, 8), (None, 3, 3), (8, 3, 9), (9, 3, 9)],
)
def test_the_search_begins_with_a_user_for_each_slot_and_with_two_at_least(
    slots: int | None, step: int, users: int
) -> None:
    assert first_users(slots, step=step) == users


def test_a_replica_with_more_slots_than_the_most_users_has_a_step_too() -> None:
    steps = double_users(MOST_USERS + 144, lambda users: a_step(users, 100.0))

    assert [step.users for step in steps] == [MOST_USERS + 144]


@pytest.mark.parametrize(
    ("users", "rps", "slots", "expected"),
    [
        (8, 1000.0, 4, 32),  # four times as many
        (8, 50.0, 4, 20),  # answers take a fifth of a window of two seconds
        (8, 10.0, 4, 8),  # those that saturate take longer already
        (32, 5000.0, 32, 64),  # the most that are queued
        (128, 5000.0, 64, 128),  # never fewer than those that saturate
        (2, 300.0, None, 8),
        (8, 5000.0, None, 16),  # without slots each user is a request inside
        (64, 5000.0, None, 64),
        (8, 0.0, 4, 8),
    ],
)
def test_a_replica_gets_a_short_queue(
    users: int, rps: float, slots: int | None, expected: int
) -> None:
    assert with_queue(a_step(users, rps), slots, 2.0) == expected


def test_a_queue_keeps_the_mix_of_users() -> None:
    assert with_queue(a_step(9, 53.0), 4, 2.0, step=3) == 21
    assert with_queue(a_step(9, 53.0), 4, 2.0, step=9) == 18
