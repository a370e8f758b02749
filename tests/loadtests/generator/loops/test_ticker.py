from __future__ import annotations

import time
from typing import Any

import gevent
import pytest

from loadtests.generator.loops import ticker as module
from loadtests.generator.loops.ticker import TICK_S, Lag, Ticker


class Clock:
    """A clock that stands still until it is moved; also an alarm that never rings by itself."""

    def __init__(self) -> None:
        self.now = 100.0
        self.set_to: list[float] = []
        self.closed = False

    def set(self, moment: float) -> None:
        self.set_to.append(moment)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "monotonic", lambda: clock.now)
    monkeypatch.setattr(module, "Alarm", lambda _ring: clock)
    return clock


def tick(ticker: Ticker, clock: Clock, late_s: float) -> None:
    """Let the next tick come this much too late."""
    clock.now = clock.set_to[-1] + late_s
    ticker._tick()


def test_a_free_event_loop_shows_little_lag(clock: Clock) -> None:
    ticker = Ticker()
    for _ in range(60):
        tick(ticker, clock, 0.0001)

    assert ticker.stop() == Lag(p99_ms=0.1, max_ms=0.1)
    assert clock.closed


def test_a_stall_is_as_late_as_it_was_long(clock: Clock) -> None:
    ticker = Ticker()
    tick(ticker, clock, 0.0)
    tick(ticker, clock, 0.2)

    assert ticker.stop().max_ms == 200


def test_a_stall_weighs_as_many_ticks_as_it_hid(clock: Clock) -> None:
    ticker = Ticker()
    tick(ticker, clock, 0.201)

    assert sum(late > 0 for late in ticker._late_s) == 1 + 0.2 / TICK_S
    assert clock.set_to[-1] - clock.now == pytest.approx(0.004)


def test_a_stall_that_lasts_until_the_end_is_seen(clock: Clock) -> None:
    ticker = Ticker()
    clock.now += TICK_S + 0.1

    assert ticker.stop().max_ms == 100


def test_a_process_that_stands_still_is_seen_by_the_real_clock() -> None:
    ticker: Any = Ticker()
    gevent.sleep(0.02)
    time.sleep(0.1)  # the whole process: nothing else can run

    assert ticker.stop().max_ms >= 90
