"""The application under real gunicorn, by each of the three worker models."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

import psycopg
import pytest

from tests.app.conftest import Serve, Server, failed_start

pytestmark = [pytest.mark.slow, pytest.mark.parallel]

MODELS = {"gthread": "thread", "sync": "process", "gevent": "greenlet"}


@pytest.fixture(scope="module", params=MODELS)
def server(request: pytest.FixtureRequest, serve: Serve) -> Server:
    return serve(WORKER_MODEL=request.param, REPLICA=f"{request.param}-1")


STARTED, FINISHED = "app_requests_started_total", "app_requests_finished_total"


def counts(server: Server) -> Counter[str]:
    lines = server.get("/metrics").splitlines()
    return Counter({name: int(count) for name, count in map(str.split, lines[2::3])})


def ask_at_once(server: Server, paths: Iterable[str]) -> list[str]:
    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(server.get, paths))


def test_a_replica_says_its_name_and_what_serves_its_requests(server: Server) -> None:
    answer = server.whoami()
    model = str(answer["worker_model"])

    assert answer["replica"] == f"{model}-1"
    assert answer["served_by"] == MODELS[model]


def test_requests_at_the_same_time_keep_their_contexts_apart(server: Server) -> None:
    answers = ask_at_once(server, (f"/context?token={number}&ms=20" for number in range(64)))

    decoded = [json.loads(answer) for answer in answers]
    assert [answer["token"] for answer in decoded] == [str(number) for number in range(64)]
    assert all(answer["isolated"] for answer in decoded)


def test_the_counts_are_those_of_all_processes(server: Server) -> None:
    before = counts(server)
    # A process of sync that waits leaves the next request to another one.
    answers = ask_at_once(server, ["/io?ms=50", "/whoami"] * 32)
    who = [answer for answer in map(json.loads, answers) if "pid" in answer]

    assert (len({answer["pid"] for answer in who}) > 1) == (who[0]["worker_model"] == "sync")
    assert counts(server) - before == {STARTED: 64, FINISHED: 64}


def test_at_least_four_requests_wait_at_the_same_time(server: Server) -> None:
    began = time.monotonic()
    ask_at_once(server, ["/io?ms=1000"] * 4)

    # One after the other would be 4 s.
    assert time.monotonic() - began < 3


def test_a_connection_stays_open_but_under_sync(server: Server) -> None:
    connection = HTTPConnection(server.address, timeout=10)
    ends = set()

    for _ in range(3):
        connection.request("GET", "/healthz")
        ends.add(connection.sock.getsockname())
        assert connection.getresponse().read()
    connection.close()

    assert (len(ends) == 1) == (server.whoami()["worker_model"] != "sync")


@pytest.mark.parametrize("model", MODELS)
def test_the_store_serves_many_requests_at_once(
    model: str, serve: Serve, database_url: str
) -> None:
    server = serve(WORKER_MODEL=model, DATABASE_URL=database_url)

    items = [json.loads(answer)["id"] for answer in ask_at_once(server, ["/db?id=3"] * 200)]

    assert items == [3] * 200
    assert server.ask("/db/write", method="POST")[0] == 201


def test_a_greenlet_that_waits_for_the_store_lets_the_others_run(
    serve: Serve, database_url: str
) -> None:
    server = serve(WORKER_MODEL="gevent", DATABASE_URL=database_url)
    with psycopg.connect(database_url) as connection, ThreadPoolExecutor() as pool:
        connection.execute("LOCK TABLE notes")
        waiting = pool.submit(server.ask, "/state/notes/missing")
        time.sleep(0.2)
        assert server.get("/healthz")
        assert not waiting.done()
        connection.rollback()
        assert waiting.result(10)[0] == 404


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"WORKER_MODEL": "fork"}, "WORKER_MODEL=fork is unknown here; there are gthread, sync"),
        ({"THREADS": "0"}, "THREADS=0 is no whole number above 0."),
        ({"THREADS": "1001"}, "THREADS=1001 is no number from 1 to 1000."),
    ],
)
def test_a_setting_that_cannot_be_ends_the_replica_with_its_name(
    environment: dict[str, str], message: str
) -> None:
    ended = failed_start("app:create_app()", environment)

    assert ended.returncode != 0
    assert message in ended.stderr
