"""Open loop: a request is sent when it is due, whatever is still in flight."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Any

import gevent
from locust.exception import StopUser

from loadtests.generator.loops.alarm import Alarm
from loadtests.generator.loops.arrivals import Moments


class OpenGate:
    """Gives each due request to an idle user, or to a new one.

    ``due`` are moments of the monotonic clock, in order. ``more_users(n)`` starts ``n`` users;
    there are never more than ``users_max``. If no user is left for a request, it is dropped:
    ``drop`` is called with the moment at which it was due. ``users`` are there already. ``in_turn``
    gives requests to the user that has been idle the longest, so that all users have equal shares.
    """

    def __init__(
        self,
        due: Moments,
        *,
        users_max: int,
        more_users: Callable[[int], None],
        drop: Callable[[float], None],
        users: int = 0,
        in_turn: bool = False,
    ) -> None:
        self._due = due.tolist()
        self._next = 0
        self._users_max = users_max
        self._users = users
        self._more_users = more_users
        self._drop = drop
        self._idle: deque[Any] = deque()
        self._take_idle = self._idle.popleft if in_turn else self._idle.pop
        self._waiting: deque[float] = deque()
        """Due requests that wait for a starting user."""
        self._seen: set[Any] = set()
        self._alarm = Alarm(self._hand_out)
        self._hub = gevent.get_hub()

    def start(self, users: int) -> None:
        """Start the arrivals with ``users`` users."""
        self._start_users(users)
        self._set_alarm()

    def admit(self) -> float:
        """Wait for a due request and return its moment; raise ``StopUser`` after the last."""
        user = gevent.getcurrent()
        self._seen.add(user)
        if self._waiting:
            return self._waiting.popleft()
        if self._next >= len(self._due):
            raise StopUser
        self._idle.append(user)
        try:
            due: float | None = self._hub.switch()
        except BaseException:
            if user in self._idle:
                self._idle.remove(user)
            raise
        if due is None:
            raise StopUser
        return due

    def hand_out_rest(self) -> None:
        """Hand out all that is left, late: a stall can keep the last arrivals back.

        To be called when the window is over, by the greenlet that runs the trial. It may go on
        before the alarm has rung, if both are due after a stall.
        """
        # Only the event loop may switch to a waiting user.
        self._hub.loop.run_callback(self._hand_out, math.inf)
        gevent.sleep(0)
        gevent.sleep(0)  # users who were started for a request begin

    def close(self) -> None:
        """Drop the requests that still wait for a user, or for their moment; stop the arrivals."""
        self._alarm.close()
        rest, self._next = self._due[self._next :], len(self._due)
        for moment in (*self._waiting, *rest):
            self._drop(moment)
        self._waiting.clear()

    def _hand_out(self, until: float | None = None) -> None:
        """Hand out what is due by now, or by ``until``."""
        due, idle = self._due, self._idle
        while self._next < len(due) and due[self._next] <= (
            monotonic() if until is None else until
        ):
            moment = due[self._next]
            self._next += 1
            if idle:
                self._take_idle().switch(moment)
            elif len(self._waiting) < self._users - len(self._seen):
                self._waiting.append(moment)
            elif self._users < self._users_max:
                self._waiting.append(moment)
                # Double them: Locust counts all users each time it starts some.
                self._start_users(max(1, self._users))
            else:
                self._drop(moment)
        self._set_alarm()

    def _start_users(self, count: int) -> None:
        count = min(count, self._users_max - self._users)
        self._users += count
        self._more_users(count)

    def _set_alarm(self) -> None:
        if self._next < len(self._due):
            self._alarm.set(self._due[self._next])
            return
        while self._idle:
            self._idle.pop().switch(None)
