"""What servers' logs tell of time-outs, kills, full queues and workers that were replaced."""

from __future__ import annotations

import pytest

from loadtests.model.stack import LogLines
from loadtests.servers import registry
from loadtests.servers.server import troubles_in
from tests.loadtests.servers.captured import log


def lines(text: str) -> LogLines:
    return LogLines(lines=text.splitlines())


@pytest.mark.parametrize(
    ("server", "line"),
    [
        ("gunicorn", "[8] [ERROR] Worker (pid:8) was sent SIGSEGV!"),
        ("gunicorn", "[8] [WARNING] Worker with pid 8 was terminated due to signal 9"),
        ("gunicorn", "[8] [ERROR] Worker (pid:8) exited with code 139"),
        ("granian", "[ERROR] Killing worker-1 after it refused to gracefully stop"),
    ],
)
def test_workers_that_crash_or_are_killed_are_told(server: str, line: str) -> None:
    assert len(troubles_in(registry.SERVERS[server], lines(line))) == 1


@pytest.mark.parametrize("how", ["was sent SIGTERM!", "exited with code 3"])
def test_an_ordinary_end_of_a_worker_is_no_kill(how: str) -> None:
    assert troubles_in(registry.SERVERS["gunicorn"], lines(f"Worker (pid:8) {how}")) == ()


@pytest.mark.parametrize(
    ("server", "name", "start"),
    [
        ("gunicorn", "gunicorn-timeout", "gunicorn wrote once: a worker answered nothing"),
        ("gunicorn", "gunicorn-max-requests", "gunicorn wrote 2 times: a worker had served"),
        ("uwsgi", "uwsgi-harakiri", "uwsgi wrote once: a request took longer than --harakiri"),
        ("uwsgi", "uwsgi-queue", "uwsgi wrote 2 times: its listen queue was full"),
        ("waitress", "waitress-limit", "waitress wrote once: it accepted no more connections"),
        ("granian", "granian-exit", "granian wrote once: a worker ended by itself"),
        ("uvicorn", "uvicorn-died", "uvicorn wrote once: a worker died, or did not answer"),
        ("uvicorn", "uvicorn-limit", "uvicorn wrote 5 times: it answered 503, as"),
        ("uvicorn", "uvicorn-max-requests", "uvicorn wrote 2 times: a process ended, as"),
    ],
)
def test_time_outs_kills_and_full_queues_are_read(server: str, name: str, start: str) -> None:
    sentences = troubles_in(registry.SERVERS[server], lines(log(name)))

    assert sentences[0].startswith(start)
    assert sentences[0].endswith(")")


TIMED_OUT = "[10] [CRITICAL] WORKER TIMEOUT (pid:8)\n"


@pytest.mark.parametrize(
    "end",
    [
        "[10] [ERROR] Worker (pid:8) was sent SIGKILL! Perhaps out of memory?\n",
        "[10] [WARNING] Worker (pid:8) was sent SIGABRT!\n",  # gunicorn 25
        "[10] [WARNING] Worker with pid 8 was terminated due to signal 9\n",
    ],
)
def test_a_worker_that_gunicorn_ends_for_its_time_out_is_not_out_of_memory(end: str) -> None:
    gunicorn = registry.SERVERS["gunicorn"]

    (alone,) = troubles_in(gunicorn, lines(TIMED_OUT + end))
    both = troubles_in(gunicorn, lines(TIMED_OUT + end + end.replace("8", "9")))

    assert alone.startswith("gunicorn wrote once: a worker answered nothing")
    assert both[1].startswith("gunicorn wrote once: a worker was killed, perhaps out of memory")


@pytest.mark.parametrize(
    ("server", "text", "times"),
    [
        # its asgi writes it for each connection
        ("gunicorn", "[8] [INFO] Autorestarting worker after current request.\n" * 3, "once"),
        (
            "gunicorn",
            '{"message": "Autorestarting worker after current request."}\n' * 2,
            "2 times",
        ),
        ("gunicorn", "[8] [INFO] Maximum request limit of 20 exceeded. Terminating.\n", "once"),
        ("uwsgi", "...The work of process 8 is done. Seeya!\nRespawned uWSGI worker 1\n", "once"),
        ("uwsgi", "...The work of process 8 is done (max requests reached). Seeya!\n", "once"),
        ("uwsgi", "worker 1 lifetime reached, it was running for 3 second(s)\n" * 2, "2 times"),
    ],
)
def test_workers_that_are_replaced_as_they_were_told_to_be_are_counted(
    server: str, text: str, times: str
) -> None:
    (sentence,) = troubles_in(registry.SERVERS[server], lines(text))

    assert sentence.startswith(f"{server} wrote {times}: a worker")
    assert "--max-requests" in sentence


def test_a_queue_inside_waitress_is_no_trouble_because_users_saturate_it() -> None:
    assert troubles_in(registry.SERVERS["waitress"], lines(log("waitress-queue"))) == ()


def test_a_start_without_trouble_tells_none() -> None:
    for name in ("uwsgi-processes", "uwsgi-threads", "uwsgi-router", "uwsgi-max-requests"):
        assert troubles_in(registry.SERVERS["uwsgi"], lines(log(name))) == ()


def test_what_happened_before_the_last_lines_of_a_log_may_be_missing() -> None:
    timeout = "[CRITICAL] WORKER TIMEOUT (pid:7)\n"
    served = '"GET / HTTP/1.1" 200\n'
    gunicorn = registry.SERVERS["gunicorn"]

    (whole,) = troubles_in(gunicorn, lines(timeout * 300 + served * 300))
    (part,) = troubles_in(gunicorn, LogLines(lines=[timeout] * 3, is_whole=False))

    assert whole.startswith("gunicorn wrote 300 times: a worker answered nothing")
    assert part.startswith(
        "gunicorn wrote at least 3 times, in the last lines of its log: a worker"
    )
