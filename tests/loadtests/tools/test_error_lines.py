import pytest

from loadtests.tools.error_lines import first_error, plain, repeated

URL_QUOTE = """\
[2026-11-28 19:40:00 +0000] [1] [INFO] Starting gunicorn 21.2.0
[2026-11-28 19:40:00 +0000] [7] [ERROR] Exception in worker process
Traceback (most recent call last):
  File "/venv/lib/python3.13/site-packages/gunicorn/arbiter.py", line 609, in spawn_worker
    worker.init_process()
  File "/venv/lib/python3.13/site-packages/flask/helpers.py", line 16, in <module>
    from werkzeug.urls import url_quote
ImportError: cannot import name 'url_quote' from 'werkzeug.urls'
[2026-11-28 19:40:00 +0000] [7] [INFO] Worker exiting (pid: 7)
"""


def test_of_a_traceback_the_exception_is_the_first_error() -> None:
    assert first_error(URL_QUOTE.splitlines()) == (
        "ImportError: cannot import name 'url_quote' from 'werkzeug.urls'"
    )


def test_times_before_each_line_of_a_log_do_not_hide_the_exception() -> None:
    stamped = [f"2026-11-28T19:40:00Z {line}" for line in URL_QUOTE.splitlines()]

    assert (first_error(stamped) or "").startswith("ImportError: cannot import name 'url_quote'")


LIFESPAN = """\
INFO:     Started server process [7]
INFO:     Waiting for application startup.
ERROR:    Traceback (most recent call last):
  File "/venv/lib/python3.13/site-packages/starlette/routing.py", line 694, in lifespan
    async with self.lifespan_context(app) as maybe_state:
               ~~~~~~~~~~~~~~~~~~~~~^^^^^
  File "/srv/project/main.py", line 8, in lifespan
    raise RuntimeError("no database")
RuntimeError: no database

ERROR:    Application startup failed. Exiting.
"""


def test_a_logger_whose_level_stands_before_a_traceback_does_not_hide_the_exception() -> None:
    assert first_error(LIFESPAN.splitlines()) == "RuntimeError: no database"


def test_a_container_s_name_before_each_line_does_not_either() -> None:
    named = [f"uvicorn-1  | {line}" for line in LIFESPAN.splitlines()]

    assert first_error(named) == "RuntimeError: no database"


@pytest.mark.parametrize(
    ("lines", "first"),
    [
        (["ok", "E: Unable to locate package foo", "error 2"], "E: Unable to locate package foo"),
        (["WARNING: error-prone", "npm ERR! code ENOENT"], "npm ERR! code ENOENT"),
        (
            [
                "detected max file descriptor number: 20000",
                "Listen queue size is greater than the system max net.core.somaxconn (128).",
                "VACUUM: unix socket /tmp/a.sock removed.",
            ],
            "Listen queue size is greater than the system max net.core.somaxconn (128).",
        ),
        (["sh: 1: gunicorn: not found"], "sh: 1: gunicorn: not found"),
        (
            [
                "  Getting requirements to build wheel: finished with status 'error'",
                "  error: subprocess-exited-with-error",
                "      Error: pg_config executable not found.",
            ],
            "Error: pg_config executable not found.",
        ),
        (
            ["OSError: [Errno 30] Read-only file system"],
            "OSError: [Errno 30] Read-only file system",
        ),
        (["Collecting flask-errors", "Successfully installed"], None),
        ([], None),
    ],
)
def test_the_first_line_that_says_an_error_is_found(lines: list[str], first: str | None) -> None:
    assert first_error(lines) == first


def test_colours_of_a_terminal_are_taken_off() -> None:
    assert plain("\x1b[91mERROR: no\x1b[0m") == "ERROR: no"


def test_a_line_that_comes_again_and_again_is_found_with_other_numbers_in_it() -> None:
    log = ["starting"]
    log += [f"12:00:{second:02d} Database not ready, retrying in 5 s" for second in range(0, 30, 5)]

    assert repeated(log) == ("12:00:25 Database not ready, retrying in 5 s", 6)
    assert repeated(["one", "two", "one"]) is None
