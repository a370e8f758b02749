"""The users of a request list: they send its requests in one order that all of them share."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from math import gcd
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import gevent
from locust import User, task
from locust.env import Environment
from locust.exception import CatchResponseError

from loadtests.generator.http.client import NO_CONNECTION, PAUSE_AFTER_NO_CONNECTION_S
from loadtests.generator.http.connection import ConnectFailed
from loadtests.generator.http.exchange import send
from loadtests.generator.http.head import cookie_lines, replica_of
from loadtests.generator.http.outcome import Outcome
from loadtests.generator.order import Share
from loadtests.generator.recorder import NO_REPLICA
from loadtests.generator.request_list.placeholders import Draw, Values, names_in
from loadtests.generator.request_list.prepared import Prepared, prepare_request
from loadtests.generator.session.jar import Jar
from loadtests.generator.session.load import SessionLoad
from loadtests.generator.session.response import UserResponse
from loadtests.generator.user_load.orders import LoadOrder, RequestOrder

CYCLE_MAX = 10_000
"""Longest order of requests that repeats; larger weights are rounded to it."""


class RequestList:
    """The prepared requests of a list for one address, and the order in which users send them.

    The order is the same for the same seed, whatever the number of users. Each of several processes
    has its own. A whole cycle of the list comes in random order, then the next one. An order that
    repeats would march in step with the proxy's round robin: of two requests in turn, one replica
    of two would get all of the dear ones.
    """

    def __init__(self, order: LoadOrder, load: SessionLoad, share: Share) -> None:
        host = urlsplit(load.home).netloc
        self.load = load
        self.origin = load.pool.origin(load.home)
        self.requests, self.start = (
            tuple(prepare_request(entry, host, order.values, order.headers) for entry in entries)
            for entries in (order.requests, order.start)
        )
        self.kept_rows = kept_lengths(order.start, order.values)
        """The lengths of the lists of which each user keeps one row."""
        indices = in_cycle([request.weight for request in order.requests])
        self.sequence = ShuffledCycles([self.requests[index] for index in indices])
        self.rng = random.Random(0)
        self.first_row = 0
        """The row that the first user keeps."""
        self._share = share
        self.seed(0)  # until a trial does

    def seed(self, seed: int) -> None:
        """Begin the order and the values of a trial."""
        self.rng.seed(f"{seed}/{self._share.number}")
        self.sequence.seed(f"{seed}/{self._share.number}/order")

    def draw(self, rows: Mapping[int, int]) -> Draw:
        """Return the values of the next request of a user who keeps ``rows``."""
        return Draw(self.rng, rows)

    def rows_of(self, index: int) -> dict[int, int]:
        """Return the rows that the user ``index`` keeps, by the length of the lists."""
        return {length: (self.first_row + index) % length for length in self.kept_rows}


class ShuffledCycles:
    """The entries of a cycle in random order, again and again, each time in another; for ever."""

    def __init__(self, entries: Sequence[Prepared]) -> None:
        self._entries = entries
        self._left: list[Prepared] = []
        self._rng = random.Random(0)

    def seed(self, seed: str) -> None:
        """Begin anew; the order that follows depends on the seed alone."""
        self._rng.seed(seed)
        self._left = []

    def __iter__(self) -> Iterator[Prepared]:
        return self

    def __next__(self) -> Prepared:
        """Return the next entry."""
        if not self._left:
            self._left = list(self._entries)
            self._rng.shuffle(self._left)
        return self._left.pop()


def in_cycle(weights: Sequence[int]) -> tuple[int, ...]:
    """Return one whole cycle of indices into ``weights``, sorted."""
    divisor = gcd(*weights)
    smallest = [weight // divisor for weight in weights]
    total = sum(smallest)
    if total > CYCLE_MAX:
        smallest = [max(1, round(weight * CYCLE_MAX / total)) for weight in smallest]
    return tuple(index for index, count in enumerate(smallest) for _ in range(count))


def kept_lengths(start: Sequence[RequestOrder], values: Values) -> frozenset[int]:
    """Return the lengths of the lists that the ``start`` requests take values from."""
    texts = " ".join(repr(entry) for entry in start)
    return frozenset(len(values[name]) for name in names_in(texts, values))


class ListClient:
    """Sends prepared requests for one user, with the cookies that it got."""

    def __init__(self, requests: RequestList, user: Any, index: int) -> None:
        self._requests = requests
        self._load = requests.load
        self._admit: Any = self._load.held
        self._user = user
        self._rows = requests.rows_of(index)
        self._jar = Jar(requests.load.host, secure_too=requests.load.secure_too)
        self.starting = True
        self.in_flight = 0
        self.sent = 0

    @property
    def cookies(self) -> Jar:
        """The user's cookies."""
        return self._jar

    def begin(self) -> None:
        """Wait at the gate from now on: the list begins."""
        self.starting = False
        self._admit = self._load.gate.admit

    def send(self, prepared: Prepared | None = None) -> UserResponse | None:
        """Send one request when the gate lets it pass, and count it; by default the next one.

        The next one is taken when the gate has let the user pass. So those who wait for the next
        trial, or are left out of it, hold no request of an earlier order.
        Returns the answer only to the check trial, and to requests of the start.
        """
        due = self._admit()
        load, requests = self._load, self._requests
        if prepared is None:
            prepared = next(requests.sequence)
        cookies = self._jar.line(prepared.path)
        if cookies or prepared.fixed is None:
            wire = prepared.wire(requests.draw(self._rows), cookies)
        else:
            wire = prepared.fixed
        self.in_flight += 1
        self.sent += 1
        sent = monotonic()
        index = load.names.index_of(prepared.name)
        try:
            outcome, status, raw, body, done = send(
                requests.origin,
                wire,
                sent + load.timeout_s,
                load.timeout_s,
                only_head=prepared.only_head,
            )
        except ConnectFailed as failure:
            outcome, status, raw, body, done = failure.outcome, 0, b"", b"", monotonic()
        except gevent.GreenletExit:  # draining has reached its limit, so the user is killed
            load.recorder.add(due, sent, monotonic(), 0, Outcome.UNDRAINED, NO_REPLICA, index)
            raise
        finally:
            self.in_flight -= 1
        if b"ookie" in raw:
            for line in cookie_lines(raw):
                self._jar.keep(line, prepared.path)
        outcome = prepared.judge(outcome, status, body)
        recorder = load.recorder
        replica = recorder.replica_index(replica_of(raw))
        recorder.add(due, sent, done, status, outcome, replica, index, len(body))
        if outcome is not Outcome.OK or index not in recorder.examples.shown:
            recorder.examples.show(index, outcome, status, replica, raw, body)
        if outcome in NO_CONNECTION:
            gevent.sleep(PAUSE_AFTER_NO_CONNECTION_S)
        if not self.starting and load.observe is None:
            return None
        return self._looked_at(prepared, UserResponse(load.home, outcome, status, raw, body))

    def _looked_at(self, prepared: Prepared, response: UserResponse) -> UserResponse:
        response.url = self._load.home + prepared.path
        error = None
        if response.outcome is Outcome.REJECTED:
            error = CatchResponseError(prepared.why_not(response.status_code))
        response.described(prepared.method, prepared.name, error)
        response.expected = prepared.status is not None or prepared.contains is not None
        if self.starting:
            self._load.count_start(response.outcome)
        if self._load.observe is not None:
            self._load.observe(self._user, response)
        return response


class ListUser(User):
    """One user: first the requests of the start, then those of the list for ever."""

    abstract = True
    requests: RequestList

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        index: int = environment.user_index  # type: ignore[attr-defined]  # the crowd sets it
        self.client = ListClient(self.requests, self, index)

    def on_start(self) -> None:
        """Send the requests that come first, such as a login."""
        for prepared in self.requests.start:
            self.client.send(prepared)

    @task
    def ask(self) -> None:
        """Send the list's requests; a loop here saves Locust's choice of a task."""
        send_next = self.client.send
        while True:
            send_next()


def list_user(requests: RequestList) -> type[ListUser]:
    """Return the class of the users of ``requests``."""
    return type("RequestListUser", (ListUser,), {"abstract": False, "requests": requests})
