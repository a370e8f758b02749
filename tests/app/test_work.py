from __future__ import annotations

import hashlib
import threading
import time

import pytest
from flask.testing import FlaskClient

from app import work


def test_cpu_hashes_as_many_blocks_as_asked_for(client: FlaskClient) -> None:
    answer = client.get("/cpu?rounds=3").get_json()

    assert answer == {"rounds": 3, "digest": hashlib.sha256(bytes(3 * 64)).hexdigest()}


def test_a_round_is_too_small_for_hashlib_to_let_go_of_the_interpreter_lock() -> None:
    assert len(work.BLOCK) < 2048


def test_io_waits_without_computing(client: FlaskClient) -> None:
    began_s, computed_s = time.monotonic(), time.thread_time()

    assert client.get("/io?ms=200").get_json() == {"ms": 200}

    assert time.monotonic() - began_s >= 0.2
    assert time.thread_time() - computed_s < 0.1


def test_io_lets_other_threads_run(client: FlaskClient) -> None:
    ran = threading.Event()
    threading.Timer(0.02, ran.set).start()

    client.get("/io?ms=100")

    assert ran.is_set()


@pytest.mark.parametrize("path", ["/cpu?rounds=0", "/cpu?rounds=10000001", "/io?ms=60001"])
def test_what_would_hold_a_worker_for_long_is_refused(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 400
