"""The order ``fetch``, as the harness meets it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.loadtests.generator.child import Child
from tests.loadtests.generator.stub_server import OK, late, stub_server

pytestmark = pytest.mark.slow  # the program starts in a second


@pytest.fixture(scope="module")
def child() -> Iterator[Child]:
    with Child() as running:
        yield running


def test_it_fetches_all_at_once_in_the_order_asked(child: Child) -> None:
    all_there = threading.Barrier(3)

    def together(request: bytes) -> bytes:
        all_there.wait(timeout=10)  # broken, unless all requests are in flight at once
        path = request.split(b" ")[1]
        moved = b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"
        return moved if path == b"/moved" else OK[:-2] + path[-2:]

    with stub_server(together) as (url, _):
        urls = [f"{url}/aa", f"{url}/moved", "http://127.0.0.1:9/", f"{url}/bb", "nonsense"]
        fetched = child.ask(op="fetch", id="f", urls=urls, timeout_s=20)

    answers = fetched["answers"]
    assert (fetched["event"], fetched["id"]) == ("fetched", "f")
    assert [answer["url"] for answer in answers] == urls
    assert [answer["status"] for answer in answers] == [200, 302, None, 200, None]
    assert [answer["body"] for answer in answers] == ["aa", "", "", "bb", ""]
    assert answers[0]["headers"]["x-upstream-addr"] == "10.0.0.1:80"
    assert answers[2]["error"] == "ECONNREFUSED"
    assert answers[4]["error"] == (
        "'nonsense' is not an http:// URL with a host; for https, write the locustfile with"
        " Locust's FastHttpUser"
    )


@pytest.mark.parallel
def test_a_fetch_sends_what_it_is_told_and_gives_cookies_back(child: Child) -> None:
    def baked(_request: bytes) -> bytes:
        cookies = b"Set-Cookie: a=1; Expires=Tue, 24 Nov 2026 08:00:00 GMT\r\nSet-Cookie: b=2\r\n"
        return b"HTTP/1.1 201 Created\r\n" + cookies + b"Content-Length: 2\r\n\r\nok"

    ask = {"method": "PUT", "headers": {"Cookie": "c=3"}, "body": "Größe"}
    with stub_server(baked) as (url, requests):
        fetched = child.ask(op="fetch", id="f", requests=[{"url": f"{url}/x", **ask}])

    (answer,) = fetched["answers"]
    assert (answer["status"], answer["body"], answer["cookies"]) == (201, "ok", "c=3; a=1; b=2")
    head, _, body = requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"PUT /x HTTP/1.1\r\n")
    assert b"Cookie: c=3" in head
    assert b"Content-Length: 7" in head
    assert body == "Größe".encode()


@pytest.mark.parallel
def test_a_fetch_is_over_at_its_time_limit(child: Child) -> None:
    with stub_server(late(1, b"")) as (url, _):
        fetched = child.ask(op="fetch", id="f", urls=[url], timeout_s=0.2)

    assert fetched["answers"][0]["error"] == "timeout"
