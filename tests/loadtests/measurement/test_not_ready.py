from typing import Any

import pytest

from loadtests.measurement.not_ready import log_digest, what_it_did
from loadtests.model.generator_records import Answer
from loadtests.model.stack import Replica, ReplicaState

REFUSED = {"status": None, "error": "ConnectionRefusedError"}
FAILED_HTML = (
    "<!doctype html>\n<html lang=en>\n<title>500 Internal Server Error</title>\n"
    "<h1>Internal Server Error</h1>\n<p>The server …</p>"
)


def did(
    answer: dict[str, Any] | None = None,
    *,
    address: str = "172.18.0.5:8000",
    log: str = "",
    **state: Any,
) -> str:
    replica = Replica(name="sync-1", worker="sync", number=1, address=address, identity="")
    url = f"http://{address}/"
    fields: dict[str, Any] = {"url": url, "headers": {}, "body": "", "error": None}
    return what_it_did(
        replica,
        state=ReplicaState(**state),
        answer=Answer(**fields | answer) if answer is not None else None,
        path="/",
        waited_s=90.4,
        log=log,
    )


@pytest.mark.parametrize(
    ("answer", "state", "said"),
    [
        (None, {"exit_code": 3}, "ended with code 3 before it answered"),
        (None, {"exit_code": -9}, "was ended by signal 9 before it answered"),
        (None, {}, "ended before it answered"),
        (
            None,
            {"exit_code": 137, "out_of_memory": True},
            "was killed, out of memory. Give it more, or let it use less",
        ),
        (
            {"status": 500, "body": FAILED_HTML},
            {"listening": ("0.0.0.0:8000",)},
            "answers GET / with 500 (Internal Server Error), and did so for 90 s",
        ),
        (
            {"status": 503, "body": "\nno store\nsorry"},
            {},
            "answers GET / with 503 (no store), and did so for 90 s",
        ),
        (
            REFUSED,
            {"listening": ("127.0.0.1:5000",)},
            "listens on 127.0.0.1:5000, which nothing outside of its container reaches."
            " Let it bind 0.0.0.0",
        ),
        (
            REFUSED,
            {"listening": ("0.0.0.0:5000", "[::]:5000")},
            "listens on 0.0.0.0:5000, [::]:5000 instead of 172.18.0.5:8000",
        ),
        (REFUSED, {"listening": ()}, "listened on no port in 90 s"),
        (
            {"status": None, "error": "timeout"},
            {"listening": ("[::]:8000",)},
            "did not answer GET / at 172.18.0.5:8000 in 90 s (timeout)",
        ),
        (REFUSED, {}, "did not answer GET / in 90 s (ConnectionRefusedError)"),
        (
            {"status": None, "error": "ECONNREFUSED"},
            {"listening": ("0.0.0.0:9000", "[::]:8000")},
            "listens on [::]:8000, on IPv6 only, it seems. Let it bind 0.0.0.0",
        ),
        (
            {"status": None, "error": "ECONNREFUSED"},
            {"listening": ("0.0.0.0:8000", "[::]:8000")},
            "did not answer GET / at 172.18.0.5:8000 in 90 s (ECONNREFUSED)",
        ),
    ],
)  # fmt: skip
def test_what_a_replica_did_instead_is_told(
    answer: dict[str, Any] | None, state: dict[str, Any], said: str
) -> None:
    assert did(answer, **state) == said


@pytest.mark.parametrize(
    ("answer", "state", "log", "said"),
    [
        (
            {"status": None, "error": "timeout"},
            {"listening": ("0.0.0.0:8000",)},
            "invalid request block size: 21573 (max 4096)...skip",
            "(timeout). It speaks uwsgi's own protocol and not HTTP: start it with --http-socket"
            " instead of --socket",
        ),
        (
            None,
            {"exit_code": 1},
            "Error: '' is not a valid port number.",
            "ended with code 1 before it answered. It takes its port from a variable that is not"
            " set: --env PORT=8000",
        ),
        (
            {"status": 500, "body": ""},
            {},
            "Listening at: unix:/run/a.sock",
            "answers GET / with 500, and did so for 90 s",
        ),
        (
            {"status": 500, "body": ""},
            {},
            "sqlite3.OperationalError: no such table: post",
            "with 500, and did so for 90 s. Its tables have to be made first: by a command at its"
            " start, such as flask db upgrade, or by a service that ends before it",
        ),
        (
            None,
            {"exit_code": 1},
            'psycopg2.OperationalError: connection to server at "localhost" (127.0.0.1), port 5432'
            " failed: Connection refused",
            "Nothing listens there. In a container, localhost is the container itself: the store"
            " has another host, such as the name of its Compose service",
        ),
    ],
)
def test_a_usual_cause_in_its_log_is_told_with_what_to_do(
    answer: dict[str, Any] | None, state: dict[str, Any], log: str, said: str
) -> None:
    assert did(answer, log=log, **state).endswith(said)


def test_a_process_that_listens_on_another_address_of_this_machine_is_told_with_both() -> None:
    said = did(REFUSED, address="127.80.1.1:8000", listening=("127.0.0.1:5000",))

    assert said == "listens on 127.0.0.1:5000 instead of 127.80.1.1:8000"


def test_a_log_is_shown_with_the_applications_own_error_first() -> None:
    lines = ["[INFO] Starting gunicorn", "Traceback (most recent call last):"]
    lines += ['  File "shop.py", line 3, in <module>', "    KEY = os.environ['KEY']"]
    lines += ["KeyError: 'KEY'", "[INFO] Worker exiting"]
    log = "\n".join(f"2026-11-28T19:40:00.123456789Z {line}" for line in lines)

    assert log_digest(log) == "\n".join(
        ["Its error: KeyError: 'KEY'", "The end of its log:", *lines]
    )


def test_of_a_log_that_tries_again_and_again_the_line_is_told_with_its_number() -> None:
    log = "\n".join(f"Waiting for the store, attempt {number} ..." for number in range(1, 19))

    first, second, *end = log_digest(log).splitlines()

    assert first == "Its log repeats (18 times): Waiting for the store, attempt 18 ..."
    assert second == "The end of its log:"
    assert len(end) == 15


def test_a_replica_that_wrote_nothing_has_an_empty_log() -> None:
    assert log_digest("") == "The end of its log:\n(it wrote nothing)"


def test_what_a_server_writes_for_each_worker_is_no_repetition() -> None:
    log = "\n".join(f"[12] [INFO] Booting worker with pid: {pid}" for pid in range(4))

    assert log_digest(log).startswith("The end of its log:")


UVICORNS = (
    "INFO:     Started server process [{}]",
    "INFO:     Waiting for application startup.",
    "INFO:     Application startup complete.",
)


def test_what_uvicorn_writes_for_each_of_its_processes_does_not_repeat() -> None:
    log = "\n".join(line.format(pid) for pid in range(7, 11) for line in UVICORNS)

    assert log_digest(log).startswith("The end of its log:")


def test_a_process_of_uvicorn_that_dies_again_and_again_is_told_by_its_error() -> None:
    lines = (*UVICORNS[:2], "ERROR:    Application startup failed. Exiting.")
    log = "\n".join(line.format(pid) for pid in range(7, 11) for line in lines)

    assert log_digest(log).startswith("Its error: ERROR:    Application startup failed. Exiting.")
