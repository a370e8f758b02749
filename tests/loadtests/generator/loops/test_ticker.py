from __future__ import annotations

import time

import gevent
import pytest

from loadtests.generator.loops.ticker import TICK_S, Ticker

pytestmark = pytest.mark.slow  # it takes times, which what runs beside it would change


def test_a_free_event_loop_shows_little_lag() -> None:
    ticker = Ticker()
    gevent.sleep(0.3)

    assert ticker.stop().p99_ms < 50


def test_a_stall_is_as_late_as_it_was_long() -> None:
    ticker = Ticker()
    gevent.sleep(0.02)
    time.sleep(0.2)  # the whole process: nothing else can run
    gevent.sleep(0.02)

    lag = ticker.stop()

    assert 190 <= lag.max_ms < 400


def test_a_stall_weighs_as_many_ticks_as_it_hid() -> None:
    ticker = Ticker()
    gevent.sleep(0.2)
    time.sleep(0.2)
    gevent.sleep(0.02)

    late_s = [*ticker._late_s]
    ticker.stop()

    assert sum(late > TICK_S for late in late_s) >= 0.2 / TICK_S - 2


def test_a_stall_that_lasts_until_the_end_is_seen() -> None:
    ticker = Ticker()
    gevent.sleep(0.02)
    time.sleep(0.1)

    assert ticker.stop().max_ms >= 90
