"""The check trial: one user of each class, each task once, and what was seen of it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import gevent
from locust import MarkovTaskSet, TaskSet, User
from locust.user.task import DefaultTaskSet

from loadtests.generator.check_trial.replay import Recorded
from loadtests.generator.check_trial.steps import Attempt, Facts, Step, StepRunner
from loadtests.generator.order import CheckOrder
from loadtests.generator.request_list.users import ListUser
from loadtests.generator.session.places import error_place
from loadtests.generator.session.stock import has_own_client
from loadtests.generator.user_load import pace
from loadtests.generator.user_load.crowd import Crowd, begin_client
from loadtests.generator.user_load.guard import Guard
from loadtests.generator.user_load.loads import UserLoads
from loadtests.generator.user_load.orders import LoadOrder, read_load
from loadtests.generator.user_load.pace import Pace
from loadtests.generator.user_load.runner import first_line
from loadtests.generator.user_load.user_file import BadFile

TRIES_MAX = 3
"""Times that a step is tried; one that fails once may have met a value that is not there."""

LIMITED_S = 1.5
"""How long a step waits that a limit of the rate refused (429): a limit of a second is then over,
which what a run asks before has used up."""

STEPS_MAX = 200
"""Tasks that are tried; a file with more of them is generated."""


def check(loads: UserLoads, order: CheckOrder) -> Facts:
    """Run the check trial of ``order``, and return what was seen, for the protocol."""
    began = monotonic()
    load = read_load(order)
    with listener_errors() as errors, pace.short_sleeps(gevent.getcurrent()):
        try:
            crowd = loads.crowd(
                load,
                order.base_url,
                timeout_s=order.timeout_s,
                exchanger=loads.recorded.setdefault(load.key, Recorded()),
                seed=order.seed,
            )
        except BadFile as error:
            problem = {"code": error.code, "detail": str(error), "place": error.place}
            return {"problem": problem, "refused": refused_by(loads.guard)}
        checking = CheckTrial(loads, load, crowd, began + order.limit_s)
        facts = checking.facts()
    folder = loads.kit(load).folder
    places = ((error_place(folder, trace), text) for text, trace in errors)
    facts["listener_errors"] = [
        {"place": place, "detail": text} for place, text in dict.fromkeys(places)
    ]
    return facts | {"problem": None, "seconds": round(monotonic() - began, 3)}


class CheckTrial:
    """The check trial of one load by the users of ``crowd``, until ``limit``."""

    def __init__(self, loads: UserLoads, load: LoadOrder, crowd: Crowd, limit: float) -> None:
        self._loads = loads
        self._order = load
        self._crowd = crowd
        self._kit = loads.kit(load)
        self._runner = StepRunner(crowd, loads.watchdog, limit)
        self._steps: list[Step] = []
        self._not_checked: list[str] = []
        self._own_clients: list[str] = []
        """Places of clients that the file tells Locust of, so that their requests count."""

    def facts(self) -> Facts:
        """Try everything, and return what was seen."""
        crowd = self._crowd
        crowd.gate.begin_closed(float("inf"), 0.0, lambda _: True)
        requests = self._loads.request_list(crowd)
        if requests is not None:
            requests.seed(0)
        kept_back: dict[str, str] = {}
        classes = crowd.environment.user_classes
        total = sum(cls.weight for cls in classes) or 1
        for cls in classes:
            user = self._with_own_clients(cls, cls.weight / total)
            jar = getattr(getattr(user, "client", None), "cookies", None)
            kept_back.update(getattr(jar, "kept_back", {}))
        crowd.gate.end()
        guard = self._loads.guard
        refused = [
            {"address": url, "place": place, "listener": False}
            for url, place in crowd.load.refused.items()
        ]
        refused += refused_by(guard)
        notes = () if self._kit.file is None else self._kit.file.notes
        return {
            "notes": [*notes, *crowd.load.notes, *self._spawning_note(), *self._client_notes()],
            "classes": [
                {"name": cls.__name__, "weight": cls.weight, "fixed_count": cls.fixed_count}
                for cls in classes
            ],
            "list": requests is not None,
            "steps": [step.facts for step in self._steps],
            "refused": refused,
            "others": [place for place in guard.others if place not in self._own_clients],
            "kept_back": kept_back,
            "not_checked": self._not_checked,
        }

    def _spawning_note(self) -> Iterator[str]:
        events: Any = self._kit.environment.events  # Locust leaves them untyped
        own = [
            handler
            for handler in events.spawning_complete._handlers  # noqa: SLF001 - only they show it
            if not handler.__module__.startswith("locust.")
        ]
        if own:
            yield "The event spawning_complete is not fired: users live through many trials."

    def _with_own_clients(self, cls: type[User], share: float) -> Any:
        """Try a class and return its user; note its clients, if it tells Locust of requests.

        What an ``HttpUser`` tells may be anything, such as how long a task took.
        """
        self._runner.tells_itself = False
        known = set(self._loads.guard.others)
        user = self._check_class(cls, share)
        if self._runner.tells_itself and has_own_client(user):
            self._own_clients += [each for each in self._loads.guard.others if each not in known]
        return user

    def _client_notes(self) -> Iterator[str]:
        for place in self._own_clients:
            yield (
                f"{place}: It has a client of its own, whose requests count as the file tells"
                " Locust of them (events.request)."
            )

    def _check_class(self, cls: type[User], share: float) -> Any:
        """Try one user class; return its user, or None if it cannot be made."""
        environment: Any = self._crowd.environment
        environment.load, environment.user_index = self._crowd.load, len(self._steps)
        started = Step(name=f"{cls.__name__}.on_start", kind="on_start", share=share)
        try:
            user: Any = cls(environment)
        except Exception as error:  # noqa: BLE001 - it is anybody's code
            self._steps.append(started)
            place = error_place(self._kit.folder, error.__traceback__)
            started.attempts.append(Attempt.raised_by(error, place))
            return None
        user.pace = Pace(self._crowd.gate, keep_waits=False, on_begin=lambda: None)
        self._runner.note_stops(user)
        if isinstance(user, ListUser):
            self._check_list(user)
            return user
        user._taskset_instance = DefaultTaskSet(user)  # noqa: SLF001 - as User.run does
        ready = self._try(started, user, user.on_start)
        self._check_tasks(user, cls, share, ready=ready)
        if cls.on_stop is not User.on_stop:
            self._try(Step(name=f"{cls.__name__}.on_stop", kind="on_stop"), user, user.on_stop)
        return user

    def _check_tasks(self, user: Any, cls: type[User], share: float, *, ready: bool) -> None:
        """Try each task once, in the order of the file; those that fail again, behind the others.

        A task may need what another one leaves behind. Where ``on_start`` failed, each is tried
        only once.
        """
        begin_client(user)
        again = []
        for step, call in self._tasks(user, cls, user, share):
            step.unready = not ready
            if not self._try(step, user, call) and step.kind == "task" and step.may_get_better:
                again.append((step, call))
        for _ in range(TRIES_MAX - 1 if ready else 0):
            again = [(step, call) for step, call in again if not self._try(step, user, call)]

    def _check_list(self, user: ListUser) -> None:
        requests, client = user.requests, user.client
        ready = True
        for prepared in requests.start:
            step = Step(name=prepared.name, kind="on_start", share=1.0, unready=not ready)
            if not self._try(step, user, lambda prepared=prepared: client.send(prepared)):
                ready = False
        client.begin()
        total = sum(order.weight for order in self._order.requests)
        for order, prepared in zip(self._order.requests, requests.requests, strict=True):
            step = Step(
                name=prepared.name, kind="task", share=order.weight / total, unready=not ready
            )
            for _ in range(TRIES_MAX if ready else 1):
                if self._try(step, user, lambda prepared=prepared: client.send(prepared)):
                    break

    def _tasks(
        self, user: Any, holder: Any, parent: Any, share: float
    ) -> Iterator[tuple[Step, Any]]:
        """Yield each task of ``holder`` with the way to call it; of nested TaskSets, too."""
        tasks = tasks_of(holder)
        for task in dict.fromkeys(tasks):
            part = share * tasks.count(task) / len(tasks)
            if not (isinstance(task, type) and issubclass(task, TaskSet)):
                name = getattr(task, "__qualname__", repr(task))
                yield (
                    Step(name=name, kind="task", share=part),
                    lambda task=task: call_task(parent, task),
                )
                continue
            try:
                inner = task(parent)
            except Exception as error:  # noqa: BLE001 - it is anybody's code
                step = Step(name=task.__qualname__, kind="on_start", share=part)
                place = error_place(self._kit.folder, error.__traceback__)
                step.attempts.append(Attempt.raised_by(error, place))
                self._steps.append(step)
                continue
            if task.on_start is not TaskSet.on_start:
                step = Step(name=f"{task.__qualname__}.on_start", kind="on_start", share=part)
                yield step, inner.on_start
            yield from self._tasks(user, task, inner, part)
            if task.on_stop is not TaskSet.on_stop:
                yield Step(name=f"{task.__qualname__}.on_stop", kind="on_stop"), inner.on_stop

    def _try(self, step: Step, user: Any, call: Any) -> bool:
        """Try a step; return whether all was well."""
        if step not in self._steps:
            if self._runner.is_over or len(self._steps) >= STEPS_MAX:
                self._not_checked.append(step.name)
                return True
            self._steps.append(step)
        elif self._runner.is_over:
            return True
        elif step.attempts[-1].is_limited:
            pace.pause(LIMITED_S)
            if self._runner.is_over:
                return False
        attempt = self._runner.run(user, call)
        step.attempts.append(attempt)
        return attempt.is_good


def refused_by(guard: Guard) -> list[Facts]:
    """Return the addresses that the user's code asked for, and that are not the target's."""
    return [
        {"address": name, "place": place, "listener": listener}
        for name, (place, listener) in guard.refused.items()
    ]


def tasks_of(holder: Any) -> list[Any]:
    """Return the tasks of a user class or a TaskSet, each as often as its weight says."""
    if isinstance(holder, type) and issubclass(holder, MarkovTaskSet):
        return [step for step in vars(holder).values() if hasattr(step, "transitions")]
    return list(holder.tasks)


def call_task(parent: Any, task: Any) -> None:
    """Call ``task`` as Locust does: with its TaskSet, or its user."""
    if getattr(task, "__self__", None) is parent:
        task()
    else:
        task(parent)


class ErrorListener(logging.Handler):
    """Collects the exceptions of listeners, which Locust only logs."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[tuple[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the exception that is being logged."""
        kind, error, trace = sys.exc_info()
        if kind is not None and "event handler" in str(record.msg):
            self.errors.append((f"{kind.__name__}: {first_line(str(error))}", trace))


@contextmanager
def listener_errors() -> Iterator[list[tuple[str, Any]]]:
    """Yield the exceptions of listeners inside the block, each with its traceback."""
    listener = ErrorListener()
    logging.getLogger().addHandler(listener)
    try:
        yield listener.errors
    finally:
        logging.getLogger().removeHandler(listener)
