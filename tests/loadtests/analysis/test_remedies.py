"""Known causes are recognised by the words of what was answered, and of whom it was asked."""

from __future__ import annotations

import pytest

from loadtests.analysis.remedies import CSRF, STICKY, remedy_for, says_limit, telling_line


def test_an_invalid_session_is_socket_ios_only_where_its_path_was_asked() -> None:
    assert remedy_for("Invalid session", "", "GET /account") is None
    assert remedy_for("Invalid session", "/socket.io/?EIO=4", "GET /") is STICKY
    assert remedy_for("Invalid session", "", "GET /socket.io/?EIO=4&sid=a") is STICKY


@pytest.mark.parametrize(
    "refusal",
    [
        "The CSRF token is missing.",
        "The CSRF session token is missing.",
        "The CSRF tokens do not match.",
        "CSRF verification failed. Request aborted.",
        "Forbidden (CSRF cookie not set.): /login",
        "CSRF Failed: CSRF token from the 'X-Csrftoken' HTTP header incorrect.",
        "ForbiddenError: invalid csrf token",
        "Can't verify CSRF token authenticity.",
        "flask_wtf.csrf.CSRFError: 400 Bad Request",
    ],
)
def test_a_refused_csrf_token_is_known_by_the_words_of_the_refusal(refusal: str) -> None:
    assert remedy_for(refusal) is CSRF


@pytest.mark.parametrize(
    "text",
    [
        "GET /api/csrf",
        '<input name="csrf_token" type="hidden" value="IjB"><p>Wrong password',
        "/csrf/token",
    ],
)
def test_a_path_or_a_field_that_is_called_csrf_is_no_cause(text: str) -> None:
    assert remedy_for(text) is None


ACCESS = [
    '10.0.0.1 - - [01/Jan/2026:00:00:00 +0000] "GET /api/csrf HTTP/1.1" 200 12 "-" "twofold"',
    'INFO:     10.0.0.1:40 - "GET /socket.io/?EIO=4 HTTP/1.1" 200 OK',
    '10.0.0.1 - - [01/Jan/2026 00:00:00] "\x1b[33mGET /csrf?bad HTTP/1.1\x1b[0m" 404 -',
    "[pid: 9|app: 0|req: 1/1] 10.0.0.1 () {30 vars in 300 bytes} [Thu Jan  1 2026] GET"
    " /bad-csrf => generated 2 bytes in 0 msecs (HTTP/1.1 200) 2 headers in 79 bytes",
]


@pytest.mark.parametrize("access", ACCESS)
def test_a_line_of_an_access_log_explains_nothing(access: str) -> None:
    assert telling_line(["KeyError: 'user'", access, access]) == "KeyError: 'user'"
    assert telling_line([access]) is None


def test_an_error_with_a_known_cause_explains_more_than_the_one_that_follows_from_it() -> None:
    pool = "psycopg_pool.PoolTimeout: couldn't get a connection after 30.00 sec"

    lines = [pool, "AttributeError: 'NoneType' object has no attribute 'close'"]

    assert telling_line(lines) == pool


def test_one_error_with_a_known_cause_does_not_explain_many_others() -> None:
    start = "psycopg.OperationalError: FATAL: sorry, too many clients already"

    assert telling_line([start, *["KeyError: 'user'"] * 50]) == "KeyError: 'user'"


def test_a_known_cause_that_is_no_error_does_not_hide_a_later_error() -> None:
    told = "INFO: rate limit: 5 per minute"

    assert telling_line([told, "KeyError: 'user'"]) == "KeyError: 'user'"
    assert telling_line(["KeyError: 'user'", told]) == told


def test_a_warning_of_python_explains_no_failure() -> None:
    warning = (
        "/usr/lib/python3/site-packages/flask_limiter/extension.py:364: UserWarning: Using the"
        " in-memory storage for tracking rate limits as no storage was explicitly specified."
    )

    assert telling_line([warning, "  warnings.warn("]) is None
    assert telling_line(["KeyError: 'user'", warning]) == "KeyError: 'user'"


def test_a_worker_of_uvicorn_that_is_replaced_limits_nobody() -> None:
    line = "WARNING:  Maximum request limit of 5000 exceeded. Terminating process."

    assert remedy_for(line) is None
    assert telling_line(["KeyError: 'user'", line]) == "KeyError: 'user'"


@pytest.mark.parametrize(
    "body",
    [
        '{"error": "rate_limit_exceeded"}',
        '{"code": "RATE_LIMITED"}',
        '{"detail": "Request was throttled. Expected available in 55 seconds."}',
        "API calls quota exceeded! maximum admitted 10 per 1m",
        "<style>p {color: red}</style><h1>Sorry</h1><p>You are doing that\n too often.</p>",
    ],
)
def test_an_answer_may_say_in_several_words_that_it_limits_the_rate(body: str) -> None:
    assert says_limit(body)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "Disk quota exceeded",
        "Too many failed logins",
        f"<title>OperationalError at /</title><p>{'a frame ' * 200}django_ratelimit/core.py",
        f"<style>{'p {}' * 3000}</style>",
        "<style" * 100_000,
    ],
)
def test_another_error_does_not_nor_does_a_traceback_that_passes_a_limiter(body: str) -> None:
    assert not says_limit(body)
