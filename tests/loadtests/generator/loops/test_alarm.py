from __future__ import annotations

from time import monotonic
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from loadtests.generator.loops import alarm as module
from loadtests.generator.loops.alarm import Alarm, sleep_until


@pytest.fixture(params=["timerfd", "loop"])
def _mechanism(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "loop":
        monkeypatch.setattr(module, "LIBC", object())


@pytest.mark.usefixtures("_mechanism")
def test_an_alarm_rings_once_at_its_moment() -> None:
    rings: list[float] = []
    alarm = Alarm(lambda: rings.append(monotonic()))
    moment = monotonic() + 0.03

    alarm.set(moment)
    gevent.sleep(0.1)
    alarm.close()

    assert len(rings) == 1
    assert rings[0] >= moment


@pytest.mark.usefixtures("_mechanism")
def test_an_alarm_set_to_the_past_rings_at_once() -> None:
    rings: list[int] = []
    alarm = Alarm(lambda: rings.append(1))

    alarm.set(monotonic() - 5)
    gevent.sleep(0.02)
    alarm.close()

    assert rings == [1]


@pytest.mark.usefixtures("_mechanism")
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


def test_sleeping_until_a_moment_never_ends_before_it() -> None:
    for number in range(40):
        moment = monotonic() + 0.0013 + number * 1e-5
        sleep_until(moment)
        assert monotonic() >= moment


@pytest.mark.skipif(not hasattr(module.LIBC, "timerfd_create"), reason="timerfd is Linux's")
def test_the_kernel_is_given_the_moment_to_the_microsecond(monkeypatch: pytest.MonkeyPatch) -> None:
    # A timer of the event loop would be rounded up to whole milliseconds.
    set_to: list[float] = []

    def settime(fd: int, flags: int, spec: Any, old: None) -> int:
        set_to.append(spec._obj.s + spec._obj.ns * 1e-9)
        code: int = real.timerfd_settime(fd, flags, spec, old)
        return code

    real = module.LIBC
    libc = SimpleNamespace(timerfd_create=real.timerfd_create, timerfd_settime=settime)
    monkeypatch.setattr(module, "LIBC", libc)
    moment = monotonic() + 0.0123456

    sleep_until(moment)

    assert set_to == [pytest.approx(moment, abs=1e-6)]
    assert monotonic() >= moment


def test_sleeping_until_the_past_does_not_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_alarm(_ring: object) -> None:
        raise AssertionError("It has nothing to wait for.")

    monkeypatch.setattr(module, "Alarm", no_alarm)

    sleep_until(monotonic() - 1)
