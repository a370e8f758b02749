from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from scripts.zoo.app.turn_lock import TurnLock

pytestmark = pytest.mark.slow  # it takes times, which what runs beside it would change

Enter = Callable[[float, float], AbstractContextManager[float]]

SHORT_S = 0.1
"""Seconds in which a thread that is not held back would have gone on."""


@pytest.fixture
def lock(tmp_path: Path) -> TurnLock:
    return TurnLock(tmp_path / "lock")


class Visitor:
    """A thread that goes into the room and stays there until it is told to leave."""

    def __init__(self, enter: Enter) -> None:
        self.inside, self._leave = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._visit, args=(enter,))
        self._thread.start()

    def _visit(self, enter: Enter) -> None:
        with enter(time.monotonic(), 0):
            self.inside.set()
            self._leave.wait(10)

    def leave(self) -> None:
        self._leave.set()
        self._thread.join(10)


def test_many_may_be_together(lock: TurnLock) -> None:
    visitors = [Visitor(lock.together) for _ in range(3)]

    assert all(visitor.inside.wait(5) for visitor in visitors)

    for visitor in visitors:
        visitor.leave()


def test_who_wants_to_be_alone_waits_for_all_others_to_leave(lock: TurnLock) -> None:
    others = [Visitor(lock.together) for _ in range(2)]
    assert all(visitor.inside.wait(5) for visitor in others)

    loner = Visitor(lock.alone)
    others[0].leave()
    assert not loner.inside.wait(SHORT_S)
    others[1].leave()

    assert loner.inside.wait(5)
    loner.leave()


def test_nobody_else_comes_in_while_one_waits_to_be_alone(lock: TurnLock) -> None:
    first = Visitor(lock.together)
    assert first.inside.wait(5)
    loner = Visitor(lock.alone)
    assert not loner.inside.wait(SHORT_S)

    late = Visitor(lock.together)
    assert not late.inside.wait(SHORT_S)
    first.leave()
    assert loner.inside.wait(5)
    assert not late.inside.wait(SHORT_S)
    loner.leave()

    assert late.inside.wait(5)
    late.leave()


def test_two_are_never_alone_at_once(lock: TurnLock) -> None:
    one = Visitor(lock.alone)
    assert one.inside.wait(5)

    two = Visitor(lock.alone)
    assert not two.inside.wait(SHORT_S)
    one.leave()

    assert two.inside.wait(5)
    two.leave()


def test_a_part_begins_when_the_one_before_it_was_due_to_end(lock: TurnLock) -> None:
    began_s = time.monotonic()
    with lock.together(began_s, 0.04) as together_s:
        time.sleep(0.05)
    with lock.alone(together_s, 0.02) as first_s:
        time.sleep(0.03)
    with lock.alone(together_s, 0.02) as second_s:
        time.sleep(0.03)
    with lock.together(began_s, 0.04) as again_s:
        pass

    parts = (together_s - began_s, first_s - together_s, second_s - first_s, again_s - second_s)
    assert parts == pytest.approx((0.04, 0.02, 0.02, 0.04))


def test_a_part_after_a_rest_begins_when_it_is_wanted(lock: TurnLock) -> None:
    with lock.alone(time.monotonic(), 0):
        pass
    time.sleep(0.02)  # longer than a quarter of what is wanted now: it is no delay

    wanted_s = time.monotonic()
    with lock.together(wanted_s, 0.01) as end_s:
        assert end_s == wanted_s + 0.01


def test_a_part_that_is_late_by_its_way_to_the_client_and_back_begins_on_time(
    lock: TurnLock,
) -> None:
    with lock.alone(time.monotonic(), 0) as turned_s:
        pass
    with lock.together(turned_s + 0.004, 0.02) as end_s:
        pass

    assert end_s == pytest.approx(turned_s + 0.02)


def test_a_file_left_by_a_crash_holds_nobody_up(lock: TurnLock) -> None:
    tomorrow_s = time.monotonic() + 86_400
    with lock.together(tomorrow_s, 86_400), contextlib.suppress(RuntimeError):
        raise RuntimeError

    with lock.alone(time.monotonic(), 0.01) as end_s:
        assert end_s <= time.monotonic() + 0.01
