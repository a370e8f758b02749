from __future__ import annotations

import socket

import pytest

from app.settings import SettingError, from_environment


def test_the_environment_names_key_replica_and_worker_model() -> None:
    environ = {"SECRET_KEY": "shared", "REPLICA": "replica-3", "WORKER_MODEL": "sync"}

    assert from_environment(environ).items() >= environ.items()


@pytest.mark.parametrize(
    ("model", "processes", "threads", "connections"),
    [("gthread", "2", "3", 3), ("sync", "4", "1", 1), ("gevent", "1", "1", 10)],
)
def test_a_process_has_a_connection_for_each_request_that_it_serves_at_once(
    model: str, processes: str, threads: str, connections: int
) -> None:
    environ = {"WORKER_MODEL": model, "WEB_CONCURRENCY": processes, "THREADS": threads}

    assert from_environment(environ)["DATABASE_CONNECTIONS"] == connections


def test_an_empty_database_url_is_none() -> None:
    assert from_environment({"DATABASE_URL": ""})["DATABASE_URL"] is None


@pytest.mark.parametrize("text", ["0", "many", "nan", "1001", "-1"])
def test_a_number_that_cannot_be_is_refused_by_name(text: str) -> None:
    with pytest.raises(SettingError, match=f"THREADS={text} is no number from 1 to 1000"):
        from_environment({"THREADS": text})


def test_a_replica_without_a_name_has_that_of_its_host() -> None:
    assert from_environment({})["REPLICA"] == socket.gethostname()


def test_a_process_without_a_key_makes_one_that_nobody_else_has() -> None:
    one, two = from_environment({})["SECRET_KEY"], from_environment({})["SECRET_KEY"]

    assert one != two
    assert len(one) == 64
