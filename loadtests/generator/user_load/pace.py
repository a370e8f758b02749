"""What happens between the tasks of a user: waits are left out, and the first task is noticed.

Locust's ``TaskSet`` is patched once; users of other loads are not touched.
"""

from __future__ import annotations

import time as time_module
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import gevent
from gevent import sleep as gevent_sleep
from locust.exception import StopUser
from locust.user.task import LOCUST_STATE_STOPPING, DefaultTaskSet, TaskSet

from loadtests.generator.user_load.gate import PauseGate

SHORT_SLEEP_S = 0.005
"""Longest sleep of a task in the check trial."""

KEEPER = "pace"
"""The attribute of a user that holds its pace."""


class Pace:
    """The pace of one user: ``on_begin`` is called before its first task.

    ``keep_waits`` keeps the waiting times that the locustfile asks for.
    """

    def __init__(self, gate: PauseGate, *, keep_waits: bool, on_begin: Callable[[], None]) -> None:
        self.began = False
        self.task = ""
        """The name of the task that runs."""
        self.asks_itself = False
        """Whether a task runs that asks by a client of the file's own."""
        self._has_own_client = self._is_admitted = False
        self._gate = gate
        self._keep_waits = keep_waits
        self._on_begin = on_begin
        self._sent = 0

    def before_task(self, task: Any) -> None:
        """Note that ``task``, a function, runs now."""
        self.task = getattr(task, "__qualname__", repr(task))
        if not self.began:
            self.began = True
            self._on_begin()
        if self._has_own_client:
            if not self._is_admitted:
                self._gate.admit()
            self.asks_itself = self._is_admitted = True

    def count_own(self) -> None:
        """Note a request of a client of the file's own, which no gate has admitted.

        The first of a task is admitted before the task, and each other one after it: only the
        file knows when it sends one.
        """
        self._has_own_client = True
        if not self.began:
            return
        if not self._is_admitted:
            self._gate.admit()
        self._is_admitted = False
        self.asks_itself = True

    def after_task(self, taskset: TaskSet) -> None:
        """Wait as long as ``taskset`` says, or not at all."""
        user: Any = taskset.user
        self.asks_itself = False
        if user._state == LOCUST_STATE_STOPPING:  # noqa: SLF001 - as Locust's own ``wait`` does
            raise StopUser
        if self._keep_waits:
            stock_wait(taskset)
            return
        # It may draw random numbers, and what the next tasks do depends on them.
        waiting: Any = taskset
        waiting.wait_time()
        sent = getattr(getattr(user, "client", None), "sent", None)
        if sent is None or sent == self._sent:
            # Without a request the user has not let anybody else run.
            self._gate.rest()
            gevent_sleep(0)
        self._sent = sent or 0


STOCK: Any = TaskSet

stock_wait = STOCK.wait
stock_execute = STOCK.execute_task
stock_execute_default = cast("Any", DefaultTaskSet).execute_task


def wait(self: TaskSet) -> None:
    """Stand in for ``TaskSet.wait``."""
    pace: Pace | None = self.user.__dict__.get(KEEPER)
    if pace is None:
        stock_wait(self)
    else:
        pace.after_task(self)


def execute_task(self: TaskSet, task: Any) -> None:
    """Stand in for ``TaskSet.execute_task``."""
    note_task(self, task)
    stock_execute(self, task)


def execute_default_task(self: DefaultTaskSet, task: Any) -> None:
    """Stand in for ``DefaultTaskSet.execute_task``."""
    note_task(self, task)
    stock_execute_default(self, task)


def note_task(taskset: TaskSet, task: Any) -> None:
    """Tell the user's pace of a task; a nested TaskSet is none."""
    pace: Pace | None = taskset.user.__dict__.get(KEEPER)
    if pace is not None and not isinstance(task, type):
        pace.before_task(task)


shortened: set[Any] = set()
"""The greenlets whose sleeps are short: those of the check trial."""


@contextmanager
def short_sleeps(greenlet: Any) -> Iterator[None]:
    """Let ``greenlet`` sleep for a moment only, whatever it asks for, inside of the block."""
    shortened.add(greenlet)
    try:
        yield
    finally:
        shortened.discard(greenlet)


def sleep(seconds: float = 0, ref: bool = True) -> None:  # noqa: FBT001, FBT002 - gevent's signature
    """Stand in for ``time.sleep`` and ``gevent.sleep``."""
    if shortened and gevent.getcurrent() in shortened:
        seconds = min(seconds, SHORT_SLEEP_S)
    gevent_sleep(seconds, ref)


def pause(seconds: float) -> None:
    """Sleep so long, whoever asks and whatever is patched."""
    gevent_sleep(seconds)


def install() -> None:
    """Patch Locust and the sleeps; doing it again changes nothing."""
    STOCK.wait = wait
    STOCK.execute_task = execute_task
    cast("Any", DefaultTaskSet).execute_task = execute_default_task
    cast("Any", time_module).sleep = sleep
    cast("Any", gevent).sleep = sleep
