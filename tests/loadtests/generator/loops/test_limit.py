from time import monotonic

import pytest

from loadtests.generator.loops import limit as limits
from loadtests.generator.loops.limit import VARIABLE, Limit, of_environment


def test_requests_are_spaced_so_that_a_second_has_no_more_than_the_limit() -> None:
    limit = Limit(100.0)
    started = monotonic()

    for _ in range(21):
        limit.wait()

    assert 0.19 <= monotonic() - started < 1.0


def test_time_in_which_nobody_asked_is_not_made_up_for() -> None:
    limit = Limit(50.0)
    limit.wait()
    limit._next = monotonic() - 10.0
    started = monotonic()

    for _ in range(6):
        limit.wait()

    assert monotonic() - started >= 0.09


class Clock:
    """A clock that stands still but for the waits."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(limits, "monotonic", lambda: self.now)
        monkeypatch.setattr(limits, "sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_the_waits_in_the_window_are_counted_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    limit = Limit(20.0)
    limit.watch(1000.12, 1000.22)

    held_s = []
    for _ in range(6):  # at 0, 0.05, 0.10, 0.15, 0.20 and 0.25 s
        limit.wait()
        held_s.append(limit.held_s)

    assert held_s == pytest.approx([0.0, 0.0, 0.0, 0.03, 0.08, 0.1])


def test_a_window_begins_without_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    limit = Limit(100.0)
    limit.watch(0.0, 2000.0)
    limit.wait()
    limit.wait()
    assert limit.held_s == pytest.approx(0.01)

    limit.watch(0.0, 2000.0)

    assert limit.held_s == 0.0


def test_there_is_no_limit_unless_the_environment_sets_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert of_environment() is None

    monkeypatch.setenv(VARIABLE, "12.5")
    assert of_environment() is not None
