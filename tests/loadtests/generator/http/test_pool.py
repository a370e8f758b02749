from __future__ import annotations

from time import monotonic
from typing import Any

import gevent
import pytest

from loadtests.generator.http.connection import ConnectFailed
from loadtests.generator.http.outcome import Outcome
from loadtests.generator.http.pool import Origin, Pool, UnusableUrl, host_and_port
from tests.loadtests.generator.conftest import OK, Serve, answering

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def test_the_connection_used_last_is_taken_first(serve: Serve) -> None:
    origin = Origin(*host_and_port(serve(answering(OK))))
    first, second = origin.take(1.0), origin.take(1.0)
    origin.give(first)
    origin.give(second)

    assert origin.take(1.0) is second
    assert origin.take(1.0) is first
    assert origin.take(1.0) not in (first, second)


def test_a_connection_that_was_closed_meanwhile_is_replaced(serve: Serve) -> None:
    def once(link: Any) -> None:
        link.recv(65_536)
        link.sendall(OK)

    origin = Origin(*host_and_port(serve(once)))
    old = origin.take(1.0)
    old.exchange(REQUEST, monotonic() + 1)
    origin.give(old)
    gevent.sleep(0.02)

    new = origin.take(1.0)

    assert new is not old
    assert new.exchange(REQUEST, monotonic() + 1) is Outcome.OK
    assert old not in origin.open


def test_urls_of_one_host_and_port_share_their_connections() -> None:
    pool = Pool()

    assert pool.origin("http://host/a") is pool.origin("http://HOST:80/b?c")
    assert pool.origin("http://host:81/") is not pool.origin("http://host/")


@pytest.mark.parametrize("url", ["https://host/", "host", "http://", "http://host:x/", "ftp://h/"])
def test_a_url_that_cannot_be_asked_is_named(url: str) -> None:
    with pytest.raises(UnusableUrl, match="http"):
        host_and_port(url)


def test_a_name_without_an_address_is_unreachable() -> None:
    with pytest.raises(ConnectFailed) as caught:
        Origin("no-such-host.invalid", 80).take(1.0)

    assert caught.value.outcome is Outcome.UNREACHABLE


def test_overdue_requests_end_at_the_first_look_after_their_limit(serve: Serve) -> None:
    origin = Origin(*host_and_port(serve(lambda link: gevent.sleep(60))))
    started = monotonic()
    ended: list[int] = []

    def ask(limit_s: int) -> None:
        assert origin.take(1.0).exchange(REQUEST, started + limit_s) is Outcome.TIMEOUT
        ended.append(limit_s)

    users = [gevent.spawn(ask, limit_s) for limit_s in (100, 200, 300)]
    gevent.sleep(0.02)
    for limit_s in (100, 200, 300):
        origin.fail_overdue(started + limit_s - 0.001)
        gevent.sleep(0.01)
        assert limit_s not in ended
        origin.fail_overdue(started + limit_s + 0.001)
        gevent.sleep(0.01)
        assert ended[-1] == limit_s

    gevent.joinall(users, timeout=5, raise_error=True)
    assert ended == [100, 200, 300]


def test_the_pool_looks_for_overdue_requests_by_itself(serve: Serve) -> None:
    origin = Pool().origin(serve(lambda link: gevent.sleep(60)))
    deadline = monotonic() + 0.05

    with gevent.Timeout(10):
        assert origin.take(1.0).exchange(REQUEST, deadline) is Outcome.TIMEOUT

    assert monotonic() >= deadline


def test_a_renewed_pool_closes_what_is_idle_and_what_is_in_flight_afterwards(serve: Serve) -> None:
    pool = Pool()
    origin = pool.origin(serve(answering(OK)))
    idle, used = origin.take(1.0), origin.take(1.0)
    origin.give(idle)

    pool.renew()
    origin.give(used)

    assert not idle.usable
    assert origin.take(1.0) not in (idle, used)
    assert used not in origin.open
