"""Requests that a client repeats for ever count as single ones do."""

from __future__ import annotations

import socket
from time import monotonic
from typing import Any

import gevent
import pytest
from locust.exception import StopUser

from loadtests.generator.http.outcome import Outcome
from tests.loadtests.generator.conftest import OK, Asker, Serve, answering
from tests.loadtests.generator.http.test_client import NOT_FOUND, remembering


class Turnstile:
    """A gate that ends the user after a number of requests."""

    def __init__(self, requests: int) -> None:
        self._left = requests

    def admit(self) -> float:
        """Return the present moment."""
        self._left -= 1
        if self._left < 0:
            raise StopUser
        return monotonic()


def test_repeated_requests_are_recorded_as_single_ones_are(serve: Serve) -> None:
    named = b"\r\nX-Upstream-Addr: 10.0.0.1:80\r\n"
    answers = [answer.replace(b"\r\n", named, 1) for answer in (OK, NOT_FOUND, OK)]
    repeated, single = (Asker(serve(answering(*answers)), gate=Turnstile(5)) for _ in range(2))

    with pytest.raises(StopUser):
        repeated.client.repeat([("GET", "/a"), ("POST", "/b")])
    for method, path in [("GET", "/a"), ("POST", "/b")] * 2 + [("GET", "/a")]:
        single.client.request(method, path)

    for key in ("status", "outcome", "replica", "name", "bytes"):
        assert repeated.rows(key) == single.rows(key)
    assert repeated.rows("outcome") == [Outcome.OK, Outcome.STATUS, *[Outcome.OK] * 3]
    ours, theirs = (asker.recorder.samples(0.0) for asker in (repeated, single))
    assert (ours.names, ours.replicas) == (theirs.names, theirs.replicas)
    assert ours.examples == theirs.examples


def test_repeated_requests_send_the_cookies_that_they_got(serve: Serve) -> None:
    requests: list[bytes] = []
    login = OK.replace(b"\r\n", b"\r\nSet-Cookie: session=abc; HttpOnly\r\n", 1)
    handler = remembering(requests, {b"POST /login": login})
    asker = Asker(serve(handler), gate=Turnstile(4))

    with pytest.raises(StopUser):
        asker.client.repeat([("GET", "/"), ("POST", "/login")])

    assert [b"Cookie: session=abc\r\n" in each for each in requests] == [False, False, True, True]


def test_repeated_requests_count_what_gets_no_answer(serve: Serve) -> None:
    asker = Asker(serve(lambda link: link.recv(65_536)), gate=Turnstile(2))
    with pytest.raises(StopUser):
        asker.client.repeat([("GET", "/")])
    assert asker.rows("outcome") == [Outcome.CLOSED_EARLY] * 2

    free = socket.socket()
    free.bind(("127.0.0.1", 0))
    nobody = Asker(f"http://127.0.0.1:{free.getsockname()[1]}", gate=Turnstile(1))
    with pytest.raises(StopUser):
        nobody.client.repeat([("GET", "/")])
    free.close()
    assert nobody.rows("outcome") == [Outcome.REFUSED]

    silent = Asker(serve(lambda link: gevent.sleep(5)))
    user = gevent.spawn(silent.client.repeat, [("GET", "/")])
    gevent.sleep(0.02)
    user.kill()
    assert silent.rows("outcome") == [Outcome.UNDRAINED]


def test_listeners_hear_of_repeated_requests_too(serve: Serve) -> None:
    asker = Asker(serve(answering(OK)), gate=Turnstile(3))
    heard: list[str] = []
    event: Any = asker.environment.events.request
    event.add_listener(lambda name, **_: heard.append(name))

    with pytest.raises(StopUser):
        asker.client.repeat([("GET", "/a"), ("GET", "/b")])

    assert heard == ["/a", "/b", "/a"]
    assert len(asker.recorder) == asker.stats.total.num_requests == 3
