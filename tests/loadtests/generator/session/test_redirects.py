"""The clients of locustfiles follow a redirect to the target alone, and count all that comes."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from locust.env import Environment

from loadtests.generator.http.outcome import Outcome
from loadtests.generator.http.pool import Pool
from loadtests.generator.load import AlwaysOpen
from loadtests.generator.loops.limit import Limit
from loadtests.generator.session.clients import FastClient, RequestsClient
from loadtests.generator.session.load import NOTES_MAX, SessionLoad
from loadtests.generator.session.stock import record_other_clients
from loadtests.generator.user_load.gate import PauseGate
from tests.loadtests.generator.counted_limit import CountedLimit
from tests.loadtests.generator.small_app import answer
from tests.loadtests.generator.stub_server import stub_server

Make = Callable[[Any, SessionLoad, str], Any]

CLIENTS: dict[str, Make] = {
    "HttpUser": RequestsClient,
    "FastHttpUser": FastClient,
    "HttpUser on requests": lambda *given: RequestsClient(*given).on_stock_session(),
    "FastHttpUser on its own": lambda *given: FastClient(*given).on_stock_session(),
}


class Session:
    """A client of a kind, and what it records."""

    def __init__(self, kind: str, url: str, limit: Limit | None = None) -> None:
        gate = PauseGate(limit)
        gate.begin_closed(math.inf, 0.0, lambda _: True)
        self.load = SessionLoad(
            pool=Pool(),
            gate=gate,
            base_url=url,
            timeout_s=5.0,
            headers={},
            limit=limit,
        )
        environment = Environment()
        environment.create_local_runner()
        record_other_clients(environment, lambda: self.load)
        self.load.own_handlers = len(environment.events.request._handlers)
        user: Any = SimpleNamespace(environment=environment, context=dict)
        self.client = CLIENTS[kind](user, self.load, url)

    @property
    def rows(self) -> list[tuple[int, int]]:
        """Status and outcome of what was recorded."""
        columns = self.load.recorder.samples(0.0).columns
        return list(zip(columns["status"].tolist(), columns["outcome"].tolist(), strict=True))


@pytest.mark.parametrize("kind", CLIENTS)
def test_no_load_and_no_credentials_go_to_another_host(kind: str) -> None:
    with stub_server() as (other, others):
        moved = answer(302, "", Location=f"{other}/x", Set_Cookie="a=b")
        with stub_server(lambda _request: moved) as (url, _):
            session = Session(kind, url)
            response = session.client.get("/", headers={"Authorization": "Basic secret"})

    assert others == []
    assert response.status_code == 302
    assert session.rows == [(302, Outcome.OK)]
    assert list(session.load.notes)[-1] == f"A redirect to {other}/x was not followed."


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_location_that_is_no_url_is_a_failure_that_is_counted(kind: str) -> None:
    moved = answer(302, "", Location="http://[::1/x")
    with stub_server(lambda _request: moved) as (url, _):
        session = Session(kind, url)
        session.client.get("/")

    assert [outcome for _, outcome in session.rows] == [Outcome.MALFORMED]


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_redirect_to_the_target_itself_is_followed(kind: str) -> None:
    moved = answer(302, "", Location="/b")
    replies = iter([moved, answer(200)])
    with stub_server(lambda _request: next(replies)) as (url, requests):
        session = Session(kind, url)
        response = session.client.get("/a")

    # The user sees the page; the status in the samples says that it came by a redirect.
    assert (response.status_code, session.rows) == (200, [(302, Outcome.OK)])
    assert [request.split(b" HTTP")[0] for request in requests] == [b"GET /a", b"GET /b"]


@pytest.mark.parametrize("starting", [True, False])
@pytest.mark.parametrize("kind", CLIENTS)
def test_each_followed_redirect_and_each_login_is_held_to_the_most_rps(
    kind: str, *, starting: bool
) -> None:
    """The owner of a deployment counts requests, and not what a user's code calls one."""
    moved = [answer(302, "", Location="/b"), answer(302, "", Location="/c"), answer(200)]
    replies = iter([*moved, *moved])
    limit = CountedLimit()
    with stub_server(lambda _request: next(replies)) as (url, requests):
        client = Session(kind, url, limit).client
        if not starting:
            client.begin()
        for _ in range(2):
            client.get("/a")

    assert len(requests) == 6
    assert limit.waits == 6


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_redirect_that_is_not_followed_is_not_held(kind: str) -> None:
    limit = CountedLimit()
    with stub_server(lambda _request: answer(302, "", Location="/b")) as (url, requests):
        Session(kind, url, limit).client.get("/a", allow_redirects=False)

    assert (len(requests), limit.waits) == (1, 1)


def test_an_application_cannot_make_up_any_number_of_notes() -> None:
    load = SessionLoad(
        pool=Pool(), gate=AlwaysOpen(), base_url="http://h", timeout_s=5.0, headers={}
    )
    for number in range(NOTES_MAX + 50):
        load.note_redirect(f"http://elsewhere/{number}{'x' * 10_000}")
        load.refuse(f"http://elsewhere/{number}")

    assert len(load.notes) == len(load.refused) == NOTES_MAX
    assert max(map(len, load.notes)) < 300
