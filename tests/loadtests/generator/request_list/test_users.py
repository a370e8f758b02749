"""The users of a request list keep to the most requests a second, also before their list."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

from loadtests.generator.http.pool import Pool
from loadtests.generator.order import ALL
from loadtests.generator.request_list.users import ListClient, RequestList
from loadtests.generator.session.load import SessionLoad
from loadtests.generator.user_load.gate import PauseGate
from loadtests.generator.user_load.orders import LoadOrder, RequestOrder
from tests.loadtests.generator.counted_limit import CountedLimit
from tests.loadtests.generator.stub_server import stub_server


def test_a_login_is_held_to_the_most_rps_as_the_list_is() -> None:
    """Hundreds of users log in at once when a trial is prepared."""
    limit = CountedLimit()
    gate = PauseGate(limit)
    gate.begin_closed(math.inf, 0.0, lambda _: True)
    order = LoadOrder(
        key="a", requests=(RequestOrder(path="/a"),), start=(RequestOrder(path="/login"),)
    )
    user: Any = SimpleNamespace()
    with stub_server() as (url, requests):
        load = SessionLoad(
            pool=Pool(), gate=gate, base_url=url, timeout_s=5.0, headers={}, limit=limit
        )
        asked = RequestList(order, load, ALL)
        client = ListClient(asked, user, 0)
        client.send(asked.start[0])
        held_at_login = limit.waits
        client.begin()
        client.send()

    assert (held_at_login, limit.waits, len(requests)) == (1, 2, 2)


def test_users_keep_the_rows_from_the_first_one_on() -> None:
    order = LoadOrder(
        key="a",
        requests=(RequestOrder(path="/a"),),
        start=(RequestOrder(path="/login/{user}"),),
        values={"user": ("ada", "bob", "cy")},
    )
    load = SessionLoad(
        pool=Pool(),
        gate=PauseGate(),
        base_url="http://127.0.0.1:9",
        timeout_s=5.0,
        headers={},
    )
    asked = RequestList(order, load, ALL)
    first = [asked.rows_of(index) for index in range(4)]
    asked.first_row = 2

    assert first == [{3: 0}, {3: 1}, {3: 2}, {3: 0}]
    assert [asked.rows_of(index) for index in range(2)] == [{3: 2}, {3: 0}]
