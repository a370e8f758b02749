from __future__ import annotations

import socket

from app.settings import from_environment


def test_the_environment_names_key_replica_and_worker_model() -> None:
    environ = {"SECRET_KEY": "shared", "REPLICA": "replica-3", "WORKER_MODEL": "sync"}

    assert from_environment(environ) == environ


def test_a_replica_without_a_name_has_that_of_its_host() -> None:
    assert from_environment({})["REPLICA"] == socket.gethostname()


def test_a_process_without_a_key_makes_one_that_nobody_else_has() -> None:
    one, two = from_environment({})["SECRET_KEY"], from_environment({})["SECRET_KEY"]

    assert one != two
    assert len(one) == 64
