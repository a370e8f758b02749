"""A run has no more users than the connections of the user's own proxy allow."""

from __future__ import annotations

from typing import Any, cast

import pytest

from loadtests.environments.protocol import Stack
from loadtests.measurement.user_load import proxy_connections
from loadtests.model.tested.front import Front
from loadtests.model.trial import Calibration
from tests.loadtests.builders import make_calibration, make_plan

PLAN = make_plan(replica_counts=(1, 2, 4))
KEY = ("gthread", "cpu")


class Behind:
    """A stack behind a proxy with so many connections."""

    front_port = 80

    def __init__(self, connections: int | None) -> None:
        self._connections = connections

    def look_at_front(self) -> Front:
        return Front(service="lb", known=True, connections=self._connections)


def bounded(stack: object, users: int, **steps: int) -> tuple[Calibration, tuple[str, ...]]:
    calibration = make_calibration(users_per_replica=users)
    kept, notes = proxy_connections.bounded(PLAN, cast("Stack", stack), {KEY: calibration}, steps)
    return kept[KEY], notes


def test_users_are_as_many_as_a_small_proxy_has_connections_for() -> None:
    """512 connections: 460 are for users, who take two each; that is 57 for each of 4 replicas."""
    calibration, notes = bounded(Behind(512), 64)

    assert calibration.users_per_replica == 57
    assert 2 * 4 * calibration.users_per_replica < 512
    assert notes == (
        "lb has 512 connections (worker_connections of all its processes), and each user takes 2."
        " So gthread on cpu gets 57 users a replica, 228 at 4, instead of 64. If replicas are not"
        " full then, raise worker_connections.",
    )


@pytest.mark.parametrize(
    ("stack", "users"), [(Behind(512), 57), (Behind(1024), 64), (Behind(None), 64), (object(), 64)]
)
def test_nothing_changes_where_there_are_enough_or_nothing_is_known(stack: Any, users: int) -> None:
    calibration, notes = bounded(stack, users)

    assert (calibration.users_per_replica, notes) == (users, ())


@pytest.mark.parametrize(("connections", "users"), [(512, 55), (20, 5)])
def test_the_mix_of_users_stays_whole(connections: int, users: int) -> None:
    calibration, _ = bounded(Behind(connections), 60, cpu=5)

    assert calibration.users_per_replica == users
