"""The users of one load at one address. They live from trial to trial, with their cookies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from time import monotonic
from typing import Any

import gevent
from gevent.event import Event
from greenlet import settrace
from locust import User
from locust.env import Environment

from loadtests.generator.locustfile import UnusableLocustfile
from loadtests.generator.order import ALL, Share
from loadtests.generator.session.load import SessionLoad
from loadtests.generator.session.places import error_place, place_of
from loadtests.generator.session.stock import Gated
from loadtests.generator.user_load.gate import PauseGate
from loadtests.generator.user_load.mix import smooth_order
from loadtests.generator.user_load.pace import Pace
from loadtests.generator.user_load.runner import UserRunner
from loadtests.generator.user_load.shared_state import Stocks
from loadtests.generator.user_load.watchdog import NeverEnds

STARTING_MAX = 8
"""Users whose ``on_start`` runs at the same time: a hundred logins at once would time out."""

START_LIMIT_S = 45.0
"""Longest time without any user getting through its ``on_start``; requests end in 30 s."""

TRIES_MAX = 3
"""Starts of one user before the trial is given up."""

LOOK_S = 0.005
"""Interval between looks at requests in flight."""

TELL_EVERY_S = 1.0

END_LIMIT_S = 2.0
"""Time for a user that is killed to end."""

TellStart = Callable[[int, int], None]
"""Called now and then while users start, with those that have started and all."""


class UsersFailed(UnusableLocustfile):
    """The users do not get to their first task; the message says why."""


class ListTooShort(UsersFailed):
    """A list from which each user takes an entry has enough for one server only."""


class Crowd:
    """Users by their index over all processes; each index always has the same class.

    So the mix of classes depends on the number of users alone. ``stocks`` are the lists from which
    they take entries.
    """

    def __init__(
        self,
        environment: Environment,
        load: SessionLoad,
        gate: PauseGate,
        runner: UserRunner,
        *,
        keep_waits: bool = False,
        share: Share = ALL,
        stocks: Stocks | None = None,
    ) -> None:
        self.load = load
        self.gate = gate
        self.environment = environment
        self.runner = runner
        self._keep_waits = keep_waits
        self._share = share
        self._users: dict[int, User] = {}
        self._starting: set[int] = set()
        self._changed = Event()
        self._classes: list[type[User]] = []
        self._order = class_order(environment.user_classes)
        self._stocks = stocks or Stocks([])
        self._takings = self._stocks.takings()

    @property
    def alive(self) -> list[User]:
        """The users that have not ended."""
        return [user for user in self._users.values() if not ended(user)]

    def grow(self, users: int, tell: TellStart, *, fewest: int = 0) -> None:
        """Start users until there are ``users``; return when all have begun their first task.

        ``fewest`` is how many there are with the fewest servers, or 0. Raises ``UsersFailed`` if
        they do not get that far, ``ListTooShort`` if some found nothing in a list that has enough
        for the fewest.
        """
        self._stocks.hand_to(self._takings)
        with self._watched_takings():
            self._start_all(users, tell)
        own = range(self._share.number, users, self._share.of)
        classes = {index: self._class_of(index) for index in own}
        short = self._takings.too_short(classes, fewest) if fewest else None
        if short is not None:
            raise ListTooShort(
                f"{short.stock.name} has {len(short.stock.before)} entries; {short.wanted} users"
                f"{' of one generator process' if self._share.of > 1 else ''} need one each."
                " Add entries, or do not take them out: random.choice."
            )

    @contextmanager
    def _watched_takings(self) -> Iterator[None]:
        """See at each switch of greenlets which user's start took an entry.

        Several users start at the same time, so that what is missing later may be anyone's.
        """

        def see(_event: str, greenlets: Any) -> None:
            starting = (i for i in self._starting if self._users[i].greenlet is greenlets[0])
            self._takings.look(next(starting, None))

        self._takings.look()
        previous = settrace(see)
        try:
            yield
        finally:
            settrace(previous)

    def _start_all(self, users: int, tell: TellStart) -> None:
        wanted = list(range(self._share.number, users, self._share.of))
        tries = dict.fromkeys(wanted, 0)
        waited_since = told_at = monotonic()
        while True:
            ready = [index for index in wanted if self._is_ready(index)]
            if len(ready) == len(wanted):
                return
            for index in wanted:
                if len(self._starting) >= STARTING_MAX:
                    break
                if index not in self._starting and not self._is_ready(index):
                    tries[index] += 1
                    if tries[index] > TRIES_MAX:
                        raise UsersFailed(self._why_not())
                    self.start(index)
            self._changed.clear()
            if self._changed.wait(timeout=TELL_EVERY_S):
                waited_since = monotonic()
            if monotonic() - waited_since > START_LIMIT_S:
                raise UsersFailed(self._stuck())
            if monotonic() - told_at > TELL_EVERY_S:
                told_at = monotonic()
                tell(len(ready), len(wanted))

    def start(self, index: int) -> None:
        """Start the user ``index``, in the place of one that has ended."""
        self.environment.load = self.load  # type: ignore[attr-defined]  # its class looks there
        self.environment.user_index = index  # type: ignore[attr-defined]  # likewise
        cls = self._class_of(index)
        self._takings.look()
        try:
            user: Any = cls(self.environment)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise UsersFailed(f"{cls.__name__} cannot be made: {reason}") from error
        self._takings.look(index)
        user.pace = Pace(
            self.gate, keep_waits=self._keep_waits, on_begin=lambda: self._began(index)
        )
        self._users[index] = user
        self._starting.add(index)
        user.start(self.runner.user_greenlets).link(lambda greenlet: self._over(index, greenlet))

    def start_more(self, count: int) -> None:
        """Start ``count`` further users, without waiting for them."""
        first = max(self._users, default=self._share.number - self._share.of) + self._share.of
        for index in range(first, first + count * self._share.of, self._share.of):
            self.start(index)

    def drain(self, limit_s: float) -> None:
        """Let requests in flight end for ``limit_s``; end the users whose requests do not.

        What is due and waits for a user may still be sent. After that the gate is closed.
        """
        limit = monotonic() + limit_s
        while (busy := [user for user in self.alive if self._asks(user)]) and monotonic() < limit:
            gevent.sleep(LOOK_S)
        self.gate.end()
        kill(busy)

    def _asks(self, user: Any) -> bool:
        """Return whether a user waits for an answer.

        Nobody sees when a client of the file's own does: its users may until their task is over.
        """
        return in_flight(user) or (user.pace.asks_itself and not self.gate.holds(user.greenlet))

    def drop(self) -> None:
        """End all users; what their ``on_stop`` asks is not sent."""
        kill(self.alive)

    def choose(self, users: int) -> Callable[[Any], bool]:
        """Let only the users below the index ``users`` send requests from now on.

        Returns whether a greenlet may go on that waits for a trial.
        """
        held = set()
        for index, user in self._users.items():
            client = getattr(user, "client", None)
            if index >= users:
                held.add(user.greenlet)
            if client is not None and hasattr(client, "_admit") and not client.starting:
                client._admit = self.gate.hold if index >= users else self.gate.admit  # noqa: SLF001
        return lambda greenlet: greenlet not in held

    def renew(self) -> None:
        """Close the connections that Locust's own sessions have kept."""
        for user in self.alive:
            client = getattr(user, "client", None)
            session = getattr(client, "__dict__", {}).get("session", client)
            if isinstance(session, Gated):
                session.renew()

    def end(self, limit_s: float) -> None:
        """End all users: their ``on_stop`` runs, for at most ``limit_s``."""
        users = self.alive
        for user in users:
            admit_by(user, monotonic)  # what on_stop asks need not wait
        gevent.killall([user.greenlet for user in users], timeout=limit_s)

    def _class_of(self, index: int) -> type[User]:
        if index >= len(self._classes):
            self._classes += islice(self._order, index + 1 - len(self._classes))
        return self._classes[index]

    def _is_ready(self, index: int) -> bool:
        user: Any = self._users.get(index)
        return user is not None and user.pace.began and not ended(user)

    def _began(self, index: int) -> None:
        self._takings.begin(index)
        begin_client(self._users[index])
        self._starting.discard(index)
        self._changed.set()

    def _over(self, index: int, greenlet: Any) -> None:
        self._starting.discard(index)
        self._changed.set()
        if isinstance(greenlet.exception, NeverEnds):
            user: Any = self._users[index]
            place = error_place(self.load.folder, greenlet.exc_info[2])
            self.runner.note_error(greenlet.exception, place, user.pace.task)

    def _why_not(self) -> str:
        errors = self.runner.user_errors
        reason = f" The last reason: {errors[-1]}" if errors else ""
        return f"Users end before their first task, in on_start or __init__.{reason}"

    def _stuck(self) -> str:
        users = [self._users[index] for index in sorted(self._starting)]
        frames = [getattr(user.greenlet, "gr_frame", None) for user in users]
        places = [place_of(self.load.folder, frame) for frame in frames if frame is not None]
        where = f" It waits in {places[0]}." if places else ""
        return (
            f"on_start of {type(users[0]).__name__ if users else 'a user'} did not end in"
            f" {START_LIMIT_S:.0f} s.{where}"
        )


def kill(users: Iterable[Any]) -> None:
    """End ``users`` at once; what their ``on_stop`` asks is not sent."""
    killed = list(users)
    for user in killed:
        admit_by(user, no_more)
    gevent.killall([user.greenlet for user in killed], timeout=END_LIMIT_S)


def admit_by(user: Any, admit: Callable[[], float]) -> None:
    """Let ``admit`` decide on a user's requests; a client of the file's own is not touched."""
    client: Any = getattr(user, "client", None)
    if hasattr(client, "_admit"):
        client._admit = admit  # noqa: SLF001 - see above


def begin_client(user: User) -> None:
    """Let the requests of ``user`` wait at the gate: its first task begins."""
    client: Any = getattr(user, "client", None)
    if hasattr(client, "begin"):
        client.begin()


def no_more() -> float:
    """End the user that asks: its trial is over."""
    raise gevent.GreenletExit


def class_order(classes: list[type[User]]) -> Any:
    """Yield the class of each user in turn: fixed counts first, then by weight."""
    for cls in classes:
        for _ in range(cls.fixed_count):
            yield cls
    weighted = [cls for cls in classes if not cls.fixed_count] or classes
    for index in smooth_order([cls.weight for cls in weighted]):
        yield weighted[index]


def ended(user: User) -> bool:
    """Return whether the user's greenlet has ended."""
    return user.greenlet is not None and bool(user.greenlet.dead)


def in_flight(user: Any) -> bool:
    """Return whether the user waits for an answer."""
    return bool(getattr(getattr(user, "client", None), "in_flight", 0))
