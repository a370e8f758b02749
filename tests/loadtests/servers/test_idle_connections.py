from __future__ import annotations

import pytest

from loadtests.model.plan import IdleConnections
from loadtests.model.tested.in_force import KeptConnections
from loadtests.servers.idle_connections import ONE_EACH, allowed, between_closings
from loadtests.servers.server import KeepAlive


def kept(
    *,
    opened: int = 300,
    answered: int = 300,
    closed: float | None = None,
    watched: float = 5.0,
    announced: bool = False,
) -> KeptConnections:
    return KeptConnections(
        opened=opened,
        answered=answered,
        closed_after_s=closed,
        watched_s=watched,
        announced=announced,
    )


UNKNOWN = KeepAlive()
LONG = KeepAlive(idle_s=75)
FEW = KeepAlive(idle_s=75, connections=97)

CASES: dict[str, tuple[KeepAlive, KeptConnections | None, IdleConnections | None]] = {
    "gunicorn as we start it": (LONG, None, None),
    "nothing known, nothing asked": (UNKNOWN, None, None),
    "closed after 0.3 s, as seen": (UNKNOWN, kept(closed=0.3), ONE_EACH),
    "closed after 0.6 s, as seen": (UNKNOWN, kept(closed=0.6), None),
    "declared 75 s, and closed after 0.3": (LONG, kept(closed=0.3), ONE_EACH),
    "gunicorn's default of 2 s, by its option": (KeepAlive(idle_s=2), None, None),
    "gunicorn's default of 2 s, as seen": (UNKNOWN, kept(closed=2.0), None),
    "declared 75 s, and closed after 3": (LONG, kept(closed=3.0), None),
    "granian's 30 s": (KeepAlive(idle_s=30), kept(watched=0.5), None),
    "nobody closed for as long as we looked": (UNKNOWN, kept(), None),
    "uWSGI closes and does not say so": (UNKNOWN, kept(opened=1, answered=1, closed=0.0), ONE_EACH),
    "uWSGI, declared": (KeepAlive(idle_s=0), None, ONE_EACH),
    "uWSGI, declared, and its answers say so": (
        KeepAlive(idle_s=0),
        kept(opened=1, answered=1, announced=True),
        ONE_EACH,
    ),
    "sync closes and says so": (UNKNOWN, kept(opened=1, answered=1, announced=True), None),
    "cheroot keeps ten and says so to the others": (
        UNKNOWN,
        kept(opened=11, answered=11, announced=True, watched=5.0),
        None,
    ),
    "waitress at its default limit": (FEW, None, ONE_EACH),
    "97 connections, as seen": (UNKNOWN, kept(opened=98, answered=97), ONE_EACH),
    "a first page that came too late says nothing of gunicorn": (
        LONG,
        kept(opened=1, answered=0),
        None,
    ),
    "nor of granian's 30 s": (KeepAlive(idle_s=30), kept(opened=1, answered=0), None),
    "nor of few connections": (FEW, kept(opened=1, answered=0), ONE_EACH),
    "a page that came too late from a server of which nothing is known": (
        UNKNOWN,
        kept(opened=1, answered=0),
        ONE_EACH,
    ),
    "granian's backpressure 4": (KeepAlive(idle_s=30, connections=4), None, ONE_EACH),
}


@pytest.mark.parametrize("case", CASES)
def test_the_proxy_keeps_less_than_the_server_and_for_a_shorter_time(case: str) -> None:
    declared, seen, expected = CASES[case]

    assert allowed(declared, seen) == expected


def for_s(seconds: float) -> IdleConnections:
    return IdleConnections(timeout_s=seconds)


BETWEEN: dict[str, tuple[KeepAlive, KeptConnections | None, IdleConnections | None]] = {
    "gunicorn as we start it": (LONG, None, for_s(37.5)),
    "granian's 30 s, none closed in four": (KeepAlive(idle_s=30), kept(watched=4.0), for_s(15)),
    "uvicorn's 5 s, none closed in four": (KeepAlive(idle_s=5), kept(watched=4.0), for_s(2.5)),
    "nothing known, and none closed in four seconds": (UNKNOWN, kept(watched=4.0), for_s(2)),
    "gunicorn's default of 2 s, as seen": (UNKNOWN, kept(closed=2.0, watched=2.0), for_s(1)),
    "declared 75 s, and closed after 3": (LONG, kept(closed=3.0, watched=3.0), for_s(1.5)),
    "declared 2 s, and closed after 3": (KeepAlive(idle_s=2), kept(closed=3.0), for_s(1)),
    "closed after 0.3 s, as seen": (UNKNOWN, kept(closed=0.3), ONE_EACH),
    "waitress at its default limit": (FEW, None, ONE_EACH),
    "uWSGI, declared": (KeepAlive(idle_s=0), None, ONE_EACH),
    "nothing known, nothing asked": (UNKNOWN, None, None),
    "sync closes and says so": (UNKNOWN, kept(opened=1, answered=1, announced=True), None),
    "a first page that came too late shows no time": (LONG, kept(opened=1, answered=0), None),
}


@pytest.mark.parametrize("case", BETWEEN)
def test_a_proxy_that_closes_between_trials_keeps_them_for_longer(case: str) -> None:
    declared, seen, expected = BETWEEN[case]

    assert between_closings(declared, seen) == expected
