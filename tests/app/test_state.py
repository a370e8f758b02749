"""State in the store: two applications stand for two replicas."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from app import create_app


@pytest.fixture
def replicas(database_url: str) -> Iterator[tuple[FlaskClient, FlaskClient]]:
    config = {"TESTING": True, "DATABASE_URL": database_url, "SECRET_KEY": "shared"}
    apps = create_app(config), create_app(config)
    for app in apps:
        app.open()
    yield apps[0].test_client(), apps[1].test_client()
    for app in apps:
        app.close()


Replicas = tuple[FlaskClient, FlaskClient]


def test_a_note_written_on_one_replica_is_read_on_the_other(replicas: Replicas) -> None:
    one, two = replicas

    assert one.put("/state/notes/a", data="first").get_json() == {"key": "a", "body": "first"}

    assert two.get("/state/notes/a").get_json() == {"key": "a", "body": "first"}


def test_the_last_of_two_writes_stays(replicas: Replicas) -> None:
    one, two = replicas
    one.put("/state/notes/b", data="first")
    two.put("/state/notes/b", data="sécond")

    assert one.get("/state/notes/b").get_json()["body"] == "sécond"


def test_a_note_that_nobody_wrote_is_not_found(replicas: Replicas) -> None:
    assert replicas[0].get("/state/notes/nothing").status_code == 404


def test_who_logs_in_on_one_replica_is_known_on_the_other(replicas: Replicas) -> None:
    one, two = replicas
    one.post("/state/login?user=ann")
    cookie = one.get_cookie("session")
    assert cookie is not None
    two.set_cookie("session", cookie.value)

    assert two.get("/state/me").get_json() == {"user": "ann"}


def test_a_login_may_come_from_a_form(replicas: Replicas) -> None:
    replicas[0].post("/state/login", data={"user": "bob"})

    assert replicas[0].get("/state/me").get_json() == {"user": "bob"}


@pytest.mark.parametrize("cookie", [None, "forged"])
def test_without_a_login_nobody_is_known(replicas: Replicas, cookie: str | None) -> None:
    if cookie:
        replicas[0].set_cookie("session", cookie)

    assert replicas[0].get("/state/me").status_code == 401


@pytest.mark.parametrize("user", ["", "x" * 201])
def test_a_name_that_is_empty_or_too_long_is_refused(replicas: Replicas, user: str) -> None:
    assert replicas[0].post(f"/state/login?user={user}").status_code == 400


def test_the_counter_counts_the_visits_of_all_replicas(replicas: Replicas) -> None:
    before = replicas[0].get("/state/counter").get_json()["count"]

    counts = [client.post("/state/counter").get_json()["count"] for client in replicas * 3]

    assert counts == list(range(before + 1, before + 7))
    assert replicas[1].get("/state/counter").get_json()["count"] == before + 6


def test_without_a_store_state_has_no_place(client: FlaskClient) -> None:
    for method, path in (
        ("PUT", "/state/notes/a"),
        ("GET", "/state/notes/a"),
        ("POST", "/state/login?user=ann"),
        ("POST", "/state/counter"),
        ("GET", "/state/counter"),
    ):
        assert client.open(path, method=method).status_code == 503, path


def test_a_note_longer_than_a_request_may_be_is_refused(replicas: Replicas) -> None:
    assert replicas[0].put("/state/notes/long", data="x" * 70_000).status_code == 413
