"""The program as a whole, as the harness meets it."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.loadtests.generator.child import Child
from tests.loadtests.generator.stub_server import OK, late, stub_server

pytestmark = pytest.mark.slow  # the program starts in a second, and its trials take their time


@pytest.fixture(scope="module")
def child() -> Iterator[Child]:
    with Child() as running:
        yield running


@pytest.mark.parallel
def test_it_says_hello(child: Child) -> None:
    hello = child.ask(op="hello")

    assert (hello["event"], hello["protocol"], hello["pid"]) == ("hello", 1, child.process.pid)
    assert hello["locust"].startswith("2.")


@pytest.mark.parallel
def test_a_closed_trial_is_answered_in_order_and_in_full(child: Child) -> None:
    with stub_server() as (url, requests):
        before_s = time.time()
        answer = child.trial(base_url=url, path="/a?b=c", id="one")

    events = [line["event"] for line in answer.lines]
    assert events[:2] == ["opened", "closed"]
    assert set(events[2:-1]) == {"samples"}
    assert {line["id"] for line in answer.lines} == {"one"}
    finished = answer.finished
    rows = len(answer.columns["due_us"])
    assert rows == finished["sent"] == finished["answered"] == len(requests) == answer.count("ok")
    assert {request.split(b" HTTP")[0] for request in requests} == {b"GET /a?b=c"}
    assert (finished["undrained"], finished["dropped"], finished["lost_workers"]) == (0, 0, 0)
    assert (finished["names"], finished["replicas"]) == (["/a?b=c"], ["10.0.0.1:80"])
    assert before_s < finished["started_at_s"] < finished["opened_at_s"] < time.time()
    assert finished["closed_at_s"] - finished["opened_at_s"] == pytest.approx(0.4)
    opened, closed = (line["at_s"] for line in answer.lines[:2])
    assert finished["opened_at_s"] <= opened < closed
    assert finished["closed_at_s"] <= closed
    assert 0 < finished["cpu_s"] < 0.5


def test_load_goes_on_over_both_edges_of_the_window_and_then_ends(child: Child) -> None:
    with stub_server(late(0.01)) as (url, requests):
        answer = child.trial(base_url=url)
        count = len(requests)
        time.sleep(0.1)

        assert len(requests) == count
    columns = answer.columns
    window_us = 400_000
    assert (columns["done_us"] < 0).any()
    assert ((columns["sent_us"] < 0) & (columns["done_us"] > 0)).any()
    assert ((columns["sent_us"] < window_us) & (columns["done_us"] >= window_us)).any()
    assert (columns["sent_us"] < window_us).all()
    # A user of a closed loop is ready for its next request when it sends it.
    assert np.median(columns["sent_us"] - columns["due_us"]) < 5_000


def test_users_do_not_start_in_one_moment(child: Child) -> None:
    with stub_server(late(0.3)) as (url, _):
        answer = child.trial(base_url=url, users=20, settle_s=1.0, window_s=0.2)

    first_us = sorted(answer.columns["sent_us"].tolist())[:20]
    assert 20_000 < first_us[-1] - first_us[0] < 500_000  # a tenth of the warm-up, not all of it
    assert first_us[0] > -1_001_000


@pytest.mark.parallel
def test_connections_stay_open_from_one_trial_to_the_next(child: Child) -> None:
    with stub_server() as (url, _):
        port = int(url.rpartition(":")[2])
        before = _established(port)
        child.trial(base_url=url)
        after_one = _established(port)
        child.trial(base_url=url)
        after_two = _established(port)

    assert (len(before), len(after_one)) == (0, 4)
    assert after_two == after_one


@pytest.mark.parallel
def test_other_replicas_get_new_connections(child: Child) -> None:
    with stub_server() as (url, _):
        port = int(url.rpartition(":")[2])
        child.trial(base_url=url)
        first = _established(port)
        child.trial(base_url=url, reconnect=True)
        second = _established(port)

    assert len(first) == len(second) == 4
    assert first.isdisjoint(second)


def _established(port: int) -> set[str]:
    """Return the far ends of the connections that are open to ``port`` of this machine."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    fields = [line.split() for line in lines]
    return {row[2] for row in fields if row[1].endswith(f":{port:04X}") and row[3] == "01"}


def test_what_is_in_flight_at_the_end_is_waited_out_to_the_limit(child: Child) -> None:
    with stub_server(late(1.0)) as (url, _):
        waited = child.trial(base_url=url, settle_s=0, window_s=0.3, drain_limit_s=3)
        given_up = child.trial(base_url=url, settle_s=0, window_s=0.3, drain_limit_s=0.2)

    assert (waited.count("ok"), waited.finished["undrained"]) == (4, 0)
    assert waited.finished["drained_at_s"] - waited.finished["closed_at_s"] > 0.5
    assert (given_up.count("undrained"), given_up.finished["undrained"]) == (4, 4)
    assert (given_up.finished["sent"], given_up.finished["answered"]) == (4, 0)


def test_failures_are_counted_by_kind_and_end_no_user(child: Child) -> None:
    turn = iter(range(1_000_000))

    def in_turn(_request: bytes) -> bytes:
        time.sleep(0.005)
        broken = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
        return (OK, broken, OK[:-1] + b"", b"", b"garbage")[next(turn) % 5]

    with stub_server(in_turn) as (url, _):
        answer = child.trial(base_url=url, timeout_s=0.05)

    counts = {name: answer.count(name) for name in answer.finished["outcomes"]}
    assert min(counts[name] for name in ("ok", "status", "timeout", "malformed")) > 0
    assert counts["closed_early"] + counts["reset"] > 0
    assert sum(counts.values()) == answer.finished["sent"]
    assert (answer.columns["sent_us"] > 300_000).any()


@pytest.mark.parallel
def test_a_server_that_is_not_there_is_a_trial_of_refused_requests(child: Child) -> None:
    answer = child.trial(base_url="http://127.0.0.1:9")

    assert answer.count("refused") == answer.finished["sent"] > 4
    assert answer.finished["answered"] == 0


def test_an_open_trial_sends_what_is_due_and_drops_what_is_too_much(child: Child) -> None:
    open_load: dict[str, Any] = {
        "mode": "open",
        "rate_rps": 100,
        "arrivals": "constant",
        "window_s": 1.0,
    }
    with stub_server() as (url, requests):
        uncrowded = child.trial(base_url=url, **open_load)
        sent = len(requests)
    with stub_server(late(0.5)) as (url, _):
        crowded = child.trial(base_url=url, max_in_flight=5, **open_load)

    assert sent == uncrowded.finished["sent"] == 110
    assert (uncrowded.columns["sent_us"] >= uncrowded.columns["due_us"]).all()
    inside = (uncrowded.columns["due_us"] >= 0) & (uncrowded.columns["due_us"] < 1_000_000)
    assert inside.sum() == 100
    assert crowded.finished["dropped"] == crowded.count("dropped") > 50
    assert crowded.finished["dropped"] + crowded.finished["sent"] == 110


LOCUSTFILE = """
from locust import HttpUser, FastHttpUser, task
from loadtests.generator.http.user import LeanHttpUser

class Own({base}):
    def on_start(self):
        print("to standard output")
        self.client.get("/start")

    @task
    def ask(self):
        self.client.get("/a", name="named")
        with self.client.get("/missing", catch_response=True) as response:
            if response.status_code == 404:
                response.success()
        self.client.post("/b", json={{"a": 1}})
        with self.rest("GET", "/json") as answer:
            assert answer.js["a"] == 1
"""


@pytest.mark.parallel
@pytest.mark.parametrize("base", ["LeanHttpUser", "FastHttpUser", "HttpUser"])
def test_a_locustfile_runs_the_same_with_each_client(
    child: Child, tmp_path: Path, base: str
) -> None:
    path = tmp_path / f"own_{base.lower()}.py"
    path.write_text(LOCUSTFILE.format(base=base))

    def reply(request: bytes) -> bytes:
        time.sleep(0.001)
        if request.startswith(b"GET /missing"):
            return b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"
        if request.startswith(b"GET /json"):
            body = json.dumps({"a": 1}).encode()
            return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        return OK

    with stub_server(reply) as (url, _):
        answer = child.trial(base_url=url, scenario=str(path), window_s=0.8)

    assert set(answer.finished["names"]) == {"/start", "named", "/missing", "/b", "/json"}
    assert answer.count("ok") >= answer.finished["sent"] - 4 > 20
    assert answer.finished["replicas"] == ["10.0.0.1:80"]
    assert answer.finished["user_errors"] == 0


@pytest.mark.parallel
def test_what_a_locustfiles_own_code_raises_is_counted(child: Child, tmp_path: Path) -> None:
    path = tmp_path / "raising.py"
    path.write_text(LOCUSTFILE.format(base="LeanHttpUser").replace('print("', 'raise KeyError("'))

    with stub_server() as (url, _):
        answer = child.trial(base_url=url, scenario=str(path))

    assert answer.finished["user_errors"] == 4
    assert "to standard output" in answer.finished["user_error"]


@pytest.mark.parallel
@pytest.mark.parametrize(
    ("line", "kind", "word"),
    [
        ("{not json", "order", "Expecting"),
        ("[1]", "order", "object"),
        ({"op": "dance"}, "order", "hello, fetch, place, check, clock, prepare, trial"),
        ({"op": "trial", "id": "x"}, "order", "base_url is missing"),
        ({"op": "fetch", "id": "x"}, "order", "urls is missing"),
    ],
)
def test_a_line_that_cannot_be_followed_is_an_error_and_not_the_end(
    child: Child, line: Any, kind: str, word: str
) -> None:
    child.say(line)
    error = child.hear()

    assert (error["event"], error["kind"]) == ("error", kind)
    assert word in error["detail"]
    assert child.ask(op="hello")["event"] == "hello"


@pytest.mark.parallel
@pytest.mark.parametrize(
    ("order", "kind", "word"),
    [
        ({"base_url": "https://host"}, "url", "FastHttpUser"),
        ({"base_url": "http://h", "scenario": "/no/such.py"}, "scenario", "/no/such.py"),
    ],
)
def test_a_trial_that_cannot_be_run_is_an_error_with_its_id(
    child: Child, order: dict[str, Any], kind: str, word: str
) -> None:
    error = child.trial(**order, id="x").lines[-1]

    assert (error["event"], error["id"], error["kind"]) == ("error", "x", kind)
    assert word in error["detail"]


@pytest.mark.parallel
def test_an_open_trial_refuses_users_that_cannot_wait_for_a_due_request(
    child: Child, tmp_path: Path
) -> None:
    path = tmp_path / "stock.py"
    path.write_text(LOCUSTFILE.format(base="FastHttpUser"))

    order: dict[str, Any] = {
        "base_url": "http://h",
        "mode": "open",
        "rate_rps": 5,
        "scenario": str(path),
    }
    error = child.trial(**order).lines[-1]

    assert (error["event"], error["kind"]) == ("error", "scenario")
    assert "LeanHttpUser" in error["detail"]


@pytest.mark.parallel
def test_it_ends_when_told_to() -> None:
    with Child() as child:
        child.ask(op="hello")
        child.say({"op": "quit"})

        assert child.process.wait(10) == 0


@pytest.mark.parallel
def test_it_does_not_outlive_the_harness_even_in_a_trial() -> None:
    with Child() as child, stub_server() as (url, _):
        trial = {"op": "trial", "id": "t", "base_url": url, "users": 2, "settle_s": 30}
        child.say(trial | {"window_s": 30})
        time.sleep(1.5)
        assert child.process.poll() is None
        assert child.process.stdin is not None
        child.process.stdin.close()

        assert child.process.wait(5) == 0


@pytest.mark.parallel
def test_an_interrupt_is_the_harnesss_to_handle() -> None:
    with Child() as child:
        child.ask(op="hello")
        child.process.send_signal(signal.SIGINT)

        assert child.ask(op="hello")["event"] == "hello"
