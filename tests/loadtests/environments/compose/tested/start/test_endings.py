"""What is said of a container that ended, for each of the usual causes."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.environments.compose.tested.start.endings import ReplicaEnded, end_of, ended, repeats
from tests.loadtests.environments.compose.fake_engine import a_container

STAMP = "2026-11-28T19:40:00.123456789Z "

URL_QUOTE = """\
Traceback (most recent call last):
  File "/venv/lib/python3.13/site-packages/flask/helpers.py", line 16, in <module>
    from werkzeug.urls import url_quote
ImportError: cannot import name 'url_quote' from 'werkzeug.urls'
Worker exiting"""


def stamped(log: str) -> str:
    return "".join(f"{STAMP}{line}\n" for line in log.splitlines())


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (
            URL_QUOTE,
            "ImportError: cannot import name 'url_quote' from 'werkzeug.urls'."
            " Packages of the image do not fit together: pin their versions",
        ),
        (
            "OSError: [Errno 30] Read-only file system: '/var/cache/x'",
            "Read-only file system: '/var/cache/x'. Its root is read-only (read_only): give it a"
            " tmpfs where it writes.",
        ),
        (
            "OSError: [Errno 28] No space left on device",
            "No space left on device. Give it more room there: the size of its tmpfs",
        ),
        (
            "PermissionError: [Errno 13] Permission denied: '/srv/data'",
            "Permission denied: '/srv/data'. Look at the user that it runs as (USER, user:)",
        ),
        (
            "standard_init_linux.go:228: exec user process caused: exec format error",
            "exec format error. The image is for another kind of processor",
        ),
        ("bye", "ended with exit code 3. The end of its log:\nbye"),
        ("", "ended with exit code 3. It wrote no log."),
    ],
)
def test_a_replica_that_ended_is_told_with_its_first_error_and_what_to_do(
    log: str, said: str
) -> None:
    container = a_container("as-started", running=False, exit_code=3)

    message = ended(container, stamped(log))

    assert message.startswith("Replica as-started-1 ended with exit code 3")
    assert said in message
    assert STAMP not in message


def test_a_replica_that_was_out_of_memory_is_told_so() -> None:
    container = a_container("web", running=False, exit_code=137, out_of_memory=True)

    message = ended(container, stamped("Killed"))

    assert "web-1 was killed, out of memory (OOMKilled, exit code 137). Give it more" in message


def test_only_an_error_of_its_own_may_be_a_race() -> None:
    def of(**fields: Any) -> bool:
        return ReplicaEnded("x", a_container("web", running=False, **fields)).may_be_a_race

    assert of(exit_code=1)
    assert not of(exit_code=0)
    assert not of(exit_code=137, out_of_memory=True)


def test_the_end_of_a_long_log_is_shown() -> None:
    log = "\n".join(f"line {number}" for number in range(100))

    assert end_of(log).splitlines()[1:] == [f"line {number}" for number in range(80, 100)]


def test_a_boot_loop_is_told_by_the_line_that_repeats() -> None:
    log = stamped("start\n" + "Deploy command failed, retrying in 5 secs...\n" * 4)

    assert (
        repeats(log) == " Its log repeats (4 times): Deploy command failed, retrying in 5 secs...."
    )
    assert repeats("once") == ""
