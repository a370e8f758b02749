from __future__ import annotations

import time
from time import monotonic
from typing import Any

import gevent
import numpy as np
import pytest
from locust.exception import StopUser

from loadtests.generator.loops.open import OpenGate

pytestmark = pytest.mark.slow  # it takes times, which what runs beside it would change


class Load:
    """A gate whose users take ``service_s`` for each request."""

    def __init__(self, due_s: list[float], *, users_max: int, service_s: float = 0.0) -> None:
        self.started: list[Any] = []
        self.dropped: list[float] = []
        self.sent: list[tuple[float, float]] = []
        self._service_s = service_s
        self.zero = monotonic()
        self.gate = OpenGate(
            self.zero + np.array(due_s),
            users_max=users_max,
            more_users=self._start,
            drop=self.dropped.append,
        )

    def run(self, first_users: int = 1) -> None:
        """Run until all users ended, and close the gate."""
        self.gate.start(first_users)
        gevent.sleep(0.02)
        while any(not user.dead for user in self.started):
            gevent.sleep(0.01)
        self.gate.close()

    def _start(self, count: int) -> None:
        self.started += [gevent.spawn(self._use) for _ in range(count)]

    def _use(self) -> None:
        try:
            while True:
                due = self.gate.admit()
                self.sent.append((due - self.zero, monotonic() - self.zero))
                gevent.sleep(self._service_s)
        except StopUser:
            pass


def test_requests_are_sent_when_they_are_due() -> None:
    due_s = [0.01, 0.02, 0.05, 0.051]
    load = Load(due_s, users_max=10)

    load.run()

    assert np.allclose([due for due, _ in load.sent], due_s)
    late_s = [sent - due for due, sent in load.sent]
    assert min(late_s) >= 0
    assert np.median(late_s) < 0.02  # whatever else the machine did in one of the moments
    assert load.dropped == []


def test_a_request_is_sent_whatever_is_still_in_flight() -> None:
    load = Load([0.01 * number for number in range(10)], users_max=50, service_s=0.3)

    load.run()

    assert len(load.sent) == 10
    # Whoever waited for an answer would be sent 0.3 s after the first, whose last due is 0.09 s.
    assert all(sent - due < 0.2 for due, sent in load.sent)
    assert 10 <= len(load.started) <= 50


def test_what_would_be_too_many_in_flight_is_dropped_and_counted() -> None:
    load = Load([0.01 * number for number in range(10)], users_max=3, service_s=0.5)

    load.run()

    assert (len(load.sent), len(load.dropped)) == (3, 7)
    assert len(load.started) == 3


def test_a_burst_does_not_start_more_users_than_allowed() -> None:
    load = Load([0.02] * 30, users_max=20, service_s=0.2)

    load.run()

    assert len(load.started) == 20
    assert len(load.sent) + len(load.dropped) == 30
    assert len(load.sent) == 20


def test_users_end_after_the_last_request_was_due() -> None:
    load = Load([0.01], users_max=10)

    load.run(first_users=4)

    assert all(user.dead for user in load.started)
    assert len(load.sent) == 1


def test_requests_whose_user_never_came_are_dropped_when_the_gate_closes() -> None:
    load = Load([0.01, 0.01], users_max=5)
    load.gate._more_users = lambda _count: None
    load.gate.start(2)
    gevent.sleep(0.05)

    load.gate.close()

    assert len(load.dropped) == 2


def test_what_a_stall_kept_back_at_the_end_is_sent_late_and_lets_the_users_go() -> None:
    load = Load([0.05, 0.06, 0.07], users_max=10)
    load.gate.start(2)
    gevent.sleep(0.01)
    time.sleep(0.1)  # the whole process: the alarm has not rung when the window is over

    load.gate.hand_out_rest()

    assert np.allclose([due for due, _ in load.sent], [0.05, 0.06, 0.07])
    gevent.joinall(load.started, timeout=5, raise_error=True)
    assert all(user.dead for user in load.started)
    load.gate.close()
    assert load.dropped == []


def test_what_was_never_handed_out_is_dropped_and_counted_too() -> None:
    load = Load([5.0, 6.0], users_max=2)
    load.gate.start(1)

    load.gate.close()

    assert np.allclose(np.array(load.dropped) - load.zero, [5.0, 6.0])


def test_a_user_that_is_ended_while_idle_is_not_given_a_request() -> None:
    load = Load([0.05], users_max=2)
    load.gate.start(2)
    gevent.sleep(0.01)
    load.started[-1].kill()  # the one that waits last is the next to be given one
    gevent.sleep(0.1)

    assert len(load.sent) == 1
    load.gate.close()
