"""What can be done where a replica ends or does not answer, by its log. It does no I/O."""

from __future__ import annotations

import re

from loadtests.analysis.remedies import CONNECTIONS
from loadtests.targets.application import unreachable

PORT_REMEDY = "It takes its port from a variable that is not set: --env PORT=8000."

OF_AN_END = (
    (
        CONNECTIONS.words,
        "The store has no connection left for it: raise the store's max_connections, or give each"
        " process a smaller pool.",
    ),
    (
        re.compile(
            r"'' is not a valid port number|port\b.*'' is not a valid integer|KeyError: 'PORT'",
            re.IGNORECASE,
        ),
        PORT_REMEDY,
    ),
    (
        re.compile(r"'\$\{?PORT\}?' is not a valid", re.IGNORECASE),
        "No shell reads its command, so $PORT stays as it is: write CMD as a text instead of a"
        " list, and set the port, --env PORT=8000.",
    ),
    (
        re.compile(r"read-only file system", re.IGNORECASE),
        "Its root is read-only (read_only): give it a tmpfs where it writes.",
    ),
    (
        re.compile(r"no space left on device", re.IGNORECASE),
        "Give it more room there: the size of its tmpfs or shm_size, or the engine's disk.",
    ),
    (
        re.compile(r"permission denied|operation not permitted|EACCES|EPERM", re.IGNORECASE),
        "Look at the user that it runs as (USER, user:), at what that user may write, and at"
        " dropped capabilities (cap_drop).",
    ),
    (
        re.compile(
            r"\.sh['\"]?: exec format error|exec format error: ['\"]?[^\s'\"]+\.sh\b", re.IGNORECASE
        ),
        "Its first line has to name its interpreter: #!/bin/sh.",
    ),
    (
        re.compile(r"exec format error", re.IGNORECASE),
        "The image is for another kind of processor: build it for this one (--platform). Or it"
        " starts a script whose first line names no interpreter: #!/bin/sh.",
    ),
    (
        re.compile(r"cannot import name"),
        "Packages of the image do not fit together: pin their versions, and build it anew.",
    ),
    (
        re.compile(r"(?:Error|\bpython[\d.]*): No module named '?(?P<module>\w+(?:\.\w+)*)"),
        r"It has no module \g<module>: install it, or name the folder that it lies in (PYTHONPATH,"
        " WORKDIR).",
    ),
    (
        re.compile(r"ImportError: (?P<library>\S+): cannot open shared object file"),
        r"It lacks the library \g<library>: install the system's package that has it.",
    ),
    (
        re.compile(
            r"Listen queue size is greater than the system max net\.core\.somaxconn"
            r" \((?P<most>\d+)\)"
        ),
        r"Give its variant the option --listen \g<most>; or let more connections wait: sysctl -w"
        " net.core.somaxconn=1024.",
    ),
    (
        re.compile(r"address already in use", re.IGNORECASE),
        "Two programs in it want the same port.",
    ),
)
"""Errors that have a usual cause, with what can be done about it; the first that fits is said."""

OF_A_FAILURE = (
    (
        re.compile(
            r"no such table|relation .{1,80} does not exist|Table .{1,80} doesn't exist",
            re.IGNORECASE,
        ),
        "Its tables have to be made first: by a command at its start, such as flask db upgrade, or"
        " by a service that ends before it.",
    ),
    (
        re.compile(r"Missing staticfiles manifest entry"),
        "Its static files have to be collected first: python manage.py collectstatic --noinput.",
    ),
    *unreachable.REMEDIES,
)
"""What an application writes that answers, but with an error."""

OF_NO_ANSWER = (
    (
        re.compile(r"invalid request block size"),
        "It speaks uwsgi's own protocol and not HTTP: start it with --http-socket instead of"
        " --socket.",
    ),
    (
        re.compile(r"(?:listening at:|running on) https://|SSL: HTTP_REQUEST", re.IGNORECASE),
        "It speaks TLS: start it without a certificate.",
    ),
    (
        re.compile(
            r"listening at: unix:|bound to UNIX address|running on unix(?::| socket)", re.IGNORECASE
        ),
        "It listens on a Unix socket: let it bind a TCP port, such as gunicorn --bind"
        " 0.0.0.0:8000.",
    ),
    (
        re.compile(r"WORKER TIMEOUT"),
        "gunicorn ends a worker that is silent for longer than its time-out. One that imports is"
        " silent, so raise it (--timeout 120), or import less.",
    ),
)
"""What a server's log says where it runs, but does not answer over HTTP on a port."""


def of_an_end(log: str) -> str:
    """Return what can be done about the first error of a log that has a usual cause, or nothing."""
    return _first(OF_AN_END, log)


def of_no_answer(log: str) -> str:
    """Return what a server has to do to answer over HTTP on a port, or nothing."""
    return _first(OF_NO_ANSWER, log)


def of_a_failure(log: str) -> str:
    """Return what an application needs that answers with an error, or nothing."""
    return _first(OF_A_FAILURE, log)


def _first(remedies: tuple[tuple[re.Pattern[str], str], ...], log: str) -> str:
    """Return the first remedy that fits, with what its pattern names put into it."""
    found = ((pattern.search(log), advice) for pattern, advice in remedies)
    return next((f" {match.expand(advice)}" for match, advice in found if match), "")
