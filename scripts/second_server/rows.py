"""The rows on state and on the store, each with the outcome that is right."""

from __future__ import annotations

from collections.abc import Sequence

from scripts.second_server import broken_apps as apps
from scripts.second_server.subjects import LOGIN, NOTE, Subject
from tests.cases import applications

BREAKS = frozenset({"breaks"})
INVALID = frozenset({"invalid"})
NO_GAIN = frozenset({"no_gain"})
UNLESS_DISTURBED = frozenset({"scales", "inconclusive", "invalid", "super_linear"})
"""On a shared machine a rule about the machine may be broken."""

FOUR_PROCESSES = "\n".join(
    f'[variants.{worker}-4]\nserver = "gunicorn"\nworker = "{worker}"\nprocesses = 4'
    for worker in ("gthread", "sync", "gevent")
)
ONE_AT_A_TIME = "\n".join(
    f'[variants.{worker}-1]\nserver = "gunicorn"\nworker = "{worker}"\nprocesses = 1\nthreads = 1'
    for worker in ("gthread", "sync")
)
TOO_MANY_FOR_THE_STORE = "20 of 20 in use, 32 wanted"

MORE_CONNECTIONS = applications.COMPOSE.replace(
    'STORE_CONNECTIONS: "20"', 'STORE_CONNECTIONS: "99"'
)
"""Under gevent each of a replica's users keeps one."""

CONTAINER = {"requirements.txt": "flask\n"}

NOTES = (NOTE, "GET /notes")
REFUSED = ("The cookie that", "Already between the processes of one server")


def of_processes() -> Sequence[Subject]:
    """Return what is served by processes of this machine."""
    return (*_of_logins(), *_of_limits(), *_of_files())


def _of_logins() -> Sequence[Subject]:
    return (
        Subject(
            name="random SECRET_KEY",
            files={"shop.py": apps.RANDOM_KEY},
            requests=("GET /me",),
            start=(LOGIN,),
            verdicts=BREAKS,
            said=REFUSED,
        ),
        Subject(
            name="the same with a login page",
            files={"shop.py": apps.LOGIN_PAGE},
            requests=("GET /me",),
            start=(LOGIN,),
            verdicts=BREAKS,
            said=REFUSED,
        ),
        Subject(
            name="the same with 4 workers in one replica",
            files={"shop.py": apps.RANDOM_KEY},
            requests=("GET /me",),
            start=(LOGIN,),
            workers=("gthread-4", "sync-4", "gevent-4"),
            further=FOUR_PROCESSES,
            verdicts=BREAKS,
            said=("Already between the processes of one server",),
        ),
    )


def _of_limits() -> Sequence[Subject]:
    return (
        Subject(
            name="limiter in memory",
            files={"shop.py": applications.LIMITER},
            verdicts=INVALID,
            said=("each process counts alone",),
        ),
        Subject(
            name="limiter in a shared store",
            files={"shop.py": apps.SHARED_LIMITER},
            verdicts=INVALID,
            said=("all users come from one address",),
        ),
        Subject(
            name="scheduler thread in each process",
            files={"shop.py": applications.SCHEDULER},
            verdicts=INVALID,
            said=("work that runs in every replica",),
        ),
        Subject(
            name="pool time-out at one replica",
            files={"shop.py": apps.POOL},
            workers=("gthread", "gevent"),
            verdicts=INVALID,
            said=("QueuePool limit", "connection timed out"),
        ),
    )


def _of_files() -> Sequence[Subject]:
    return (
        Subject(
            name="tables dropped by the entrypoint of every container",
            files={"shop.py": apps.EMPTIED},
            requests=NOTES,
            verdicts=BREAKS,
            said=("After a further server had started",),
        ),
        Subject(
            name="one SQLite file shared by all, short time-out",
            files={"shop.py": applications.SQLITE.replace("TIMEOUT", "0.01")},
            requests=("POST /notes",),
            workers=("gthread-1", "sync-1"),
            further=ONE_AT_A_TIME,
            verdicts=BREAKS,
            said=("database is locked",),
        ),
        Subject(
            name="one SQLite file shared by all, long time-out",
            files={"shop.py": applications.SQLITE.replace("TIMEOUT", "30")},
            requests=("POST /notes",),
            workers=("gthread", "sync"),  # a greenlet that holds the lock waits for one that waits
            verdicts=NO_GAIN,
            said=("shop.db was locked by a replica",),
        ),
    )


COMMANDS = {
    "gthread": '"--threads", "8"',
    "sync": '"--workers", "8"',
    "gevent": '"--worker-class", "gevent"',
}
"""Words of gunicorn in a container that starts itself, by worker model."""


def of_compose() -> Sequence[Subject]:
    """Return what is served by containers."""
    return (
        Subject(
            name="SQLite in the container",
            files={"shop.py": apps.OWN_FILE.replace("FOLDER", "/tmp"), **CONTAINER},  # noqa: S108
            requests=NOTES,
            verdicts=BREAKS,
            said=("notes.db",),
            backend="compose",
        ),
        *(
            _with_store(
                "connections",
                worker,
                applications.CONNECTIONS,
                BREAKS,
                TOO_MANY_FOR_THE_STORE,
                replicas="1,2,4",
            )
            for worker in ("gthread", "sync")
        ),
        *_of_rows(),
        _with_store(
            "migration race",
            "gthread",
            apps.MIGRATION,
            UNLESS_DISTURBED,
            "one after another",
        ),
    )


def _of_rows() -> Sequence[Subject]:
    """Return one hot row, and the same over many."""
    return [
        subject
        for worker in COMMANDS
        for subject in (
            _with_store(
                "one hot row",
                worker,
                _hot(1),
                NO_GAIN,
                "waited for a row lock",
                compose=MORE_CONNECTIONS,
            ),
            _with_store(
                "the same over 1000 rows",
                worker,
                _hot(1000),
                UNLESS_DISTURBED,
                compose=MORE_CONNECTIONS,
            ),
        )
    ]


def _hot(rows: int) -> str:
    return applications.HOT_ROW.replace("ROWS", str(rows))


def _with_store(
    name: str,
    worker: str,
    text: str,
    verdicts: frozenset[str],
    said: str = "",
    *,
    replicas: str = "1,2",
    compose: str = applications.COMPOSE,
) -> Subject:
    """Return an application with a PostgreSQL of the user's own, started by its own command."""
    dockerfile = applications.DOCKERFILE.replace('"--threads", "THREADS"', COMMANDS[worker])
    return Subject(
        name=name,
        files={"shop.py": text, "Dockerfile": dockerfile, "compose.yaml": compose},
        target="compose.yaml:web",
        backend="compose",
        workers=(worker,),
        words=("--replicas", replicas, "--rounds", "5"),
        verdicts=verdicts,
        not_before=verdicts if verdicts == BREAKS else frozenset(),
        said=(said,) if said else (),
    )
