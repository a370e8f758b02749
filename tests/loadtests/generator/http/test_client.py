from __future__ import annotations

import socket
import time
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from loadtests.generator.http.client import PAUSE_AFTER_NO_CONNECTION_S
from loadtests.generator.http.exchange import Ready, exchange
from loadtests.generator.http.outcome import Outcome, RequestFailed
from loadtests.generator.http.response import Response
from tests.loadtests.generator.conftest import OK, Asker, Serve, answering

NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"


def remembering(requests: list[bytes], answers: dict[bytes, bytes]) -> Any:
    """Answer by the beginning of the request's line; remember all requests."""

    def handle(link: Any) -> None:
        while request := link.recv(65_536):
            requests.append(request)
            line = request.split(b" HTTP/1.1")[0]
            link.sendall(answers.get(line, OK))

    return handle


def test_a_request_is_recorded_and_counted_by_locust_once(serve: Serve) -> None:
    answer = b"HTTP/1.1 200 OK\r\nX-Upstream-Addr: 10.0.0.1:80\r\nContent-Length: 2\r\n\r\nok"
    asker = Asker(serve(answering(answer)))

    response = asker.client.get("/a")

    assert (response.status_code, response.text, response.ok) == (200, "ok", True)
    samples = asker.recorder.samples(0.0)
    assert (samples.names, samples.replicas) == (("/a",), ("10.0.0.1:80",))
    assert [samples.columns[key].tolist() for key in ("status", "outcome", "name")] == [
        [200],
        [Outcome.OK],
        [0],
    ]
    entry = asker.stats.get("/a", "GET")
    assert (entry.num_requests, entry.num_failures, entry.total_content_length) == (1, 0, 2)
    assert entry.total_response_time == pytest.approx(
        response.elapsed.total_seconds() * 1000, rel=0.01
    )


def test_a_status_of_failure_is_a_response_and_a_failure(serve: Serve) -> None:
    asker = Asker(serve(answering(NOT_FOUND)))

    response = asker.client.get("/a", name="group")

    assert (response.status_code, response.ok, response.content) == (404, False, b"no")
    assert asker.rows("outcome") == [Outcome.STATUS]
    assert asker.stats.get("group", "GET").num_failures == 1
    assert [repr(error.error) for error in asker.stats.errors.values()] == [
        "RequestFailed('status: 404')"
    ]
    with pytest.raises(RequestFailed):
        response.raise_for_status()


def test_no_failure_raises_in_the_locustfile() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        asker = Asker(f"http://127.0.0.1:{unused.getsockname()[1]}")

        response = asker.client.get("/")

    assert (response.status_code, response.outcome) == (0, Outcome.REFUSED)
    assert asker.rows("outcome") == [Outcome.REFUSED]
    assert asker.stats.total.num_failures == 1


def test_a_dead_server_is_not_hammered(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses_s: list[float] = []
    ours = SimpleNamespace(sleep=pauses_s.append, GreenletExit=gevent.GreenletExit)
    monkeypatch.setattr("loadtests.generator.http.client.gevent", ours)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        asker = Asker(f"http://127.0.0.1:{unused.getsockname()[1]}")
        for _ in range(3):
            asker.client.get("/")

    assert asker.rows("outcome") == [Outcome.REFUSED] * 3
    assert pauses_s == [PAUSE_AFTER_NO_CONNECTION_S] * 3


def test_an_overdue_answer_is_a_timeout(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    deadlines_us: list[int] = []

    def recorded(ready: Ready, deadline: float) -> tuple[Response, float]:
        deadlines_us.append(round(deadline * 1e6))
        return exchange(ready, deadline)

    monkeypatch.setattr("loadtests.generator.http.client.exchange", recorded)
    asker = Asker(serve(lambda link: gevent.sleep(60)), timeout_s=0.05)

    assert asker.client.get("/").outcome is Outcome.TIMEOUT
    assert asker.client.get("/", timeout=0.1).outcome is Outcome.TIMEOUT
    sent_us, done_us = asker.rows("sent_us"), asker.rows("done_us")
    limits_us = [deadline - sent for sent, deadline in zip(sent_us, deadlines_us, strict=True)]
    assert limits_us == [pytest.approx(50_000, abs=2), pytest.approx(100_000, abs=2)]
    assert all(done >= end for done, end in zip(done_us, deadlines_us, strict=True))


def test_all_methods_are_sent_by_their_names(serve: Serve) -> None:
    requests: list[bytes] = []
    asker = Asker(serve(remembering(requests, {b"HEAD /": OK[:-2]})))
    client = asker.client

    client.get("/")
    client.head("/")
    client.options("/")
    client.delete("/")
    client.post("/", json={"a": 1})
    client.put("/", "text")
    client.patch("/", data=b"bytes")

    assert [request.split(b" ")[0].decode() for request in requests] == (
        ["GET", "HEAD", "OPTIONS", "DELETE", "POST", "PUT", "PATCH"]
    )
    assert [request.rpartition(b"\r\n\r\n")[2] for request in requests[4:]] == [
        b'{"a": 1}',
        b"text",
        b"bytes",
    ]
    assert asker.rows("outcome") == [Outcome.OK] * 7


def test_names_have_no_secret_of_a_query(serve: Serve) -> None:
    asker = Asker(serve(answering(OK)))

    asker.client.get("/me?api_key=S3CRET&a=b")

    assert asker.recorder.samples(0.0).names == ("/me?api_key=***&a=b",)
    assert asker.stats.get("/me?api_key=***&a=b", "GET").num_requests == 1


def test_requests_are_grouped_by_name(serve: Serve) -> None:
    asker = Asker(serve(answering(OK)))

    asker.client.get("/item/1", name="/item")
    asker.client.get("/item/2", name="/item")
    with asker.client.rename_request("/renamed"):
        asker.client.get("/item/3")
    asker.client.get("/item/4")

    samples = asker.recorder.samples(0.0)
    assert [samples.names[index] for index in samples.columns["name"]] == (
        ["/item", "/item", "/renamed", "/item/4"]
    )


def test_a_response_can_be_judged_either_way(serve: Serve) -> None:
    asker = Asker(serve(answering(NOT_FOUND, OK, OK)))
    get = asker.client.get

    with get("/", catch_response=True) as response:
        if response.status_code == 404:
            response.success()
    with get("/", catch_response=True) as response:
        response.failure("not what was wanted")
    with get("/", catch_response=True):
        pass

    assert asker.rows("outcome") == [Outcome.OK, Outcome.REJECTED, Outcome.OK]
    assert asker.rows("status") == [404, 200, 200]
    assert (asker.stats.total.num_requests, asker.stats.total.num_failures) == (3, 1)
    assert "not what was wanted" in str(next(iter(asker.stats.errors.values())).error)


def test_an_error_in_the_with_block_counts_the_request_and_goes_on(serve: Serve) -> None:
    asker = Asker(serve(answering(OK)))

    with pytest.raises(ZeroDivisionError), asker.client.get("/", catch_response=True):
        1 / 0  # noqa: B018 - it is there to fail

    assert asker.rows("outcome") == [Outcome.REJECTED]


def test_a_missing_answer_cannot_be_called_a_success(serve: Serve) -> None:
    asker = Asker(serve(lambda link: link.recv(1)))

    with asker.client.get("/", catch_response=True) as response:
        response.success()

    assert asker.rows("outcome")[0] in (Outcome.CLOSED_EARLY, Outcome.RESET)


def test_a_redirect_is_followed_as_one_request(serve: Serve) -> None:
    requests: list[bytes] = []
    to_b = b"HTTP/1.1 302 Found\r\nLocation: /b?c=d\r\nContent-Length: 0\r\n\r\n"
    asker = Asker(serve(remembering(requests, {b"POST /a": to_b})))

    response = asker.client.post("/a", json={"a": 1})

    assert [request.split(b" HTTP")[0] for request in requests] == [b"POST /a", b"GET /b?c=d"]
    assert (response.status_code, response.text) == (200, "ok")
    assert len(asker.recorder) == asker.stats.total.num_requests == 1
    assert asker.recorder.samples(0.0).names == ("/a",)


def test_a_redirect_keeps_method_and_body_where_it_says_so(serve: Serve) -> None:
    requests: list[bytes] = []
    to_b = b"HTTP/1.1 307 Temporary\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"
    asker = Asker(serve(remembering(requests, {b"POST /a": to_b})))

    asker.client.post("/a", data="body")

    assert requests[1].startswith(b"POST /b HTTP/1.1")
    assert requests[1].endswith(b"\r\n\r\nbody")


def test_a_redirect_is_an_answer_where_it_is_not_to_be_followed(serve: Serve) -> None:
    around = b"HTTP/1.1 301 Moved\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"
    asker = Asker(serve(answering(around)))

    assert asker.client.get("/", allow_redirects=False).status_code == 301
    assert asker.client.get("/").status_code == 301  # round and round is given up
    assert asker.rows("outcome") == [Outcome.OK, Outcome.OK]


def test_a_redirect_to_what_this_client_cannot_ask_is_the_answer(serve: Serve) -> None:
    away = b"HTTP/1.1 301 Moved\r\nLocation: https://elsewhere/\r\nContent-Length: 0\r\n\r\n"
    asker = Asker(serve(answering(away)))

    assert asker.client.get("/").status_code == 301
    assert asker.rows("outcome") == [Outcome.OK]


def test_a_redirect_to_another_host_is_the_answer_and_gets_nothing(serve: Serve) -> None:
    others: list[bytes] = []
    other = serve(remembering(others, {}))
    away = f"HTTP/1.1 302 Found\r\nLocation: {other}/x\r\nContent-Length: 0\r\n\r\n".encode()
    asker = Asker(serve(answering(away)))

    response = asker.client.get("/", headers={"Authorization": "Basic secret"})

    assert (response.status_code, others) == (302, [])
    assert asker.rows("outcome") == [Outcome.OK]


@pytest.mark.parametrize("location", [b"http://[::1/", b"http://h:99999/", b"//[x]/"])
def test_a_location_that_is_no_url_is_a_failure_that_is_counted(
    serve: Serve, location: bytes
) -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % location
    asker = Asker(serve(answering(moved)))

    assert not asker.client.get("/").ok
    assert asker.rows("outcome") == [Outcome.MALFORMED]
    assert asker.stats.total.num_failures == 1


def test_a_session_cookie_is_sent_back(serve: Serve) -> None:
    requests: list[bytes] = []
    login = OK.replace(b"\r\n", b"\r\nSet-Cookie: session=abc; HttpOnly\r\n", 1)
    asker = Asker(serve(remembering(requests, {b"POST /login": login})))

    asker.client.get("/")
    asker.client.post("/login")
    asker.client.get("/")
    asker.client.get("/", headers={"X-A": "b"})

    assert [b"Cookie: session=abc\r\n" in request for request in requests] == [
        False,
        False,
        True,
        True,
    ]


def test_listeners_of_the_scenario_hear_of_each_request_once(serve: Serve) -> None:
    asker = Asker(serve(answering(OK, NOT_FOUND)))
    heard: list[dict[str, Any]] = []
    event: Any = asker.environment.events.request
    event.add_listener(lambda **values: heard.append(values))

    asker.client.get("/", context={"own": 1})
    asker.client.get("/b")

    assert heard[0]["start_time"] == pytest.approx(time.time(), abs=5)
    assert [event["exception"] is None for event in heard] == [True, False]
    assert heard[0]["context"] == {"user": "context", "own": 1}
    assert (heard[0]["request_type"], heard[0]["name"]) == ("GET", "/")
    assert heard[0]["response_length"] == 2
    assert len(asker.recorder) == asker.stats.total.num_requests == 2


def test_a_request_whose_user_is_ended_is_undrained(serve: Serve) -> None:
    asker = Asker(serve(lambda link: gevent.sleep(5)))
    user = gevent.spawn(asker.client.get, "/")
    gevent.sleep(0.02)

    user.kill()

    assert asker.rows("outcome") == [Outcome.UNDRAINED]
    assert asker.stats.total.num_requests == 0


def test_a_scenario_cannot_judge_without_a_with_block(serve: Serve) -> None:
    asker = Asker(serve(answering(OK)))

    with pytest.raises(Exception, match="catch_response=True"):
        asker.client.get("/").success()
    with pytest.raises(Exception, match="catch_response=True"), asker.client.get("/"):
        pass
