from __future__ import annotations

from time import monotonic

import gevent
import numpy as np
import pytest

from loadtests.generator.loops import alarm as module
from loadtests.generator.loops.alarm import Alarm, sleep_until


@pytest.fixture(params=["timerfd", "loop"])
def _means(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "loop":
        monkeypatch.setattr(module, "LIBC", object())


@pytest.mark.usefixtures("_means")
def test_an_alarm_rings_once_at_its_moment() -> None:
    rings: list[float] = []
    alarm = Alarm(lambda: rings.append(monotonic()))
    moment = monotonic() + 0.03

    alarm.set(moment)
    gevent.sleep(0.1)
    alarm.close()

    assert len(rings) == 1
    assert rings[0] >= moment


@pytest.mark.usefixtures("_means")
def test_an_alarm_set_to_the_past_rings_at_once() -> None:
    rings: list[int] = []
    alarm = Alarm(lambda: rings.append(1))

    alarm.set(monotonic() - 5)
    gevent.sleep(0.02)
    alarm.close()

    assert rings == [1]


@pytest.mark.usefixtures("_means")
def test_an_alarm_set_anew_or_closed_does_not_ring_for_the_old_moment() -> None:
    rings: list[int] = []
    alarm = Alarm(lambda: rings.append(1))
    alarm.set(monotonic() + 0.01)
    alarm.set(monotonic() + 5)
    gevent.sleep(0.05)
    alarm.set(monotonic() + 0.01)
    alarm.close()
    gevent.sleep(0.05)

    assert rings == []


def test_sleeping_until_a_moment_never_ends_before_it_and_rarely_late() -> None:
    late_s = []
    for number in range(40):
        moment = monotonic() + 0.0013 + number * 1e-5
        sleep_until(moment)
        late_s.append(monotonic() - moment)

    assert min(late_s) >= 0
    # A timer of the event loop would be 0.5 ms late on average.
    assert np.percentile(late_s, 25) < 0.0005


def test_sleeping_until_the_past_does_not_sleep() -> None:
    started = monotonic()

    sleep_until(started - 1)

    assert monotonic() - started < 0.01
