"""PostgreSQL: finds its programs and gives its command lines.

Both backends start it by the same script with the same settings: ``compose/store/``.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from loadtests.model.errors import EnvironmentFailure, PlanError, ProcessFailure
from loadtests.model.plan import Plan

PORT = 5432
LEAST_VERSION = 15

USER = "twofold"
SUPERUSER = "postgres"
DATABASE = "postgres"

SYSTEM_FOLDERS = ("/usr/lib/postgresql", "/usr/local/lib/postgresql", "/opt/homebrew/opt")
"""Folders with one subfolder for each version; PATH has only some of the programs."""

OWNERS = ("postgres", "nobody")
"""Users to run it as if the harness is root, which PostgreSQL refuses; the first that exists."""

CONNECTIONS_A_REPLICA = 12
"""More than a replica of any worker model opens (gevent's opens 10; see the app's settings)."""

CONNECTIONS_SPARE = 8
"""For a person with psql, and for the connections that PostgreSQL reserves for itself."""

MOST_CONNECTIONS = 480
"""Each connection is a process; the container may have 512 (``pids_limit``, compose.yaml)."""

MISSING = (
    "PostgreSQL was not found; the workloads db and mixed and --probe need it. Install it"
    " (`apt install postgresql`, `brew install postgresql`), or use Docker: --backend compose."
)


@dataclass(frozen=True, kw_only=True)
class Programs:
    """The folder that contains the programs of one PostgreSQL version."""

    folder: Path

    @property
    def server(self) -> str:
        """The path of the server's own program."""
        return str(self.folder / "postgres")


def find_programs() -> Programs | None:
    """Return the newest PostgreSQL with both ``initdb`` and ``postgres``, or None."""
    folders = [path.parent for root in SYSTEM_FOLDERS for path in Path(root).glob("*/bin/initdb")]
    on_path = shutil.which("initdb")
    if on_path is not None:
        folders.append(Path(on_path).resolve().parent)
    whole = [folder for folder in folders if (folder / "postgres").exists()]
    return Programs(folder=max(whole, key=_number_in)) if whole else None


def _number_in(folder: Path) -> int:
    """Return the version that a folder such as ``/usr/lib/postgresql/17/bin`` is named after."""
    match = re.search(r"(\d+)", folder.parent.name)
    return int(match[1]) if match else 0


def check_version(text: str) -> None:
    """Raise :class:`EnvironmentFailure` if the server is older than ``LEAST_VERSION``."""
    version = parse_version(text)
    if int(version.partition(".")[0]) < LEAST_VERSION:
        raise EnvironmentFailure(
            f"PostgreSQL {version} was found, but {LEAST_VERSION} or later is needed. Install that,"
            " or use Docker: --backend compose."
        )


def parse_version(text: str) -> str:
    """Parse the version from the output of ``postgres --version``."""
    match = re.search(r"\(PostgreSQL\) (\d+(?:\.\d+)*)", text)
    if match is None:
        raise ProcessFailure(
            f"`postgres --version` wrote {text.strip()!r}, which names no version."
        )
    return match[1]


def version_argv(programs: Programs) -> tuple[str, ...]:
    """Return the command that writes the server's version."""
    return (programs.server, "--version")


def start_argv(script: str, *, owner: str | None = None) -> tuple[str, ...]:
    """Return the command that creates an empty database and serves it; see ``environment``.

    ``owner`` is the user that root runs it as. Changing the user clears the parent-death signal,
    so ``--pdeathsig`` sets it again: the server must die with the process that started it.
    """
    if owner is None:
        return ("sh", script)
    return (
        *("setpriv", f"--reuid={owner}", f"--regid={group_of(owner)}", "--clear-groups"),
        *("--pdeathsig=KILL", "--", "sh", script),
    )


def environment(
    *,
    programs: str,
    folder: str,
    config: str,
    host: str,
    port: int,
    password: str,
    connections: int,
) -> dict[str, str]:
    """Return the variables that ``compose/store/start-store`` reads."""
    return {
        "STORE_PROGRAMS": programs,
        "STORE_FOLDER": folder,
        "STORE_CONFIG": config,
        "STORE_HOST": host,
        "STORE_PORT": str(port),
        "STORE_PASSWORD": password,
        "STORE_CONNECTIONS": str(connections),
    }


def ready_argv(programs: Programs, *, host: str, port: int) -> tuple[str, ...]:
    """Return the command that ends with code 0 once the server takes connections."""
    return (str(programs.folder / "pg_isready"), "--quiet", "--host", host, "--port", str(port))


READY_SCRIPT = f"/usr/lib/postgresql/*/bin/pg_isready --quiet --host localhost --port {PORT}"
"""The same check for a shell in the store's container, where any version may be installed."""


def url(*, host: str, port: int, password: str) -> str:
    """Return the database URL for the application."""
    return f"postgresql://{USER}:{password}@{host}:{port}/{DATABASE}"


def connections(plan: Plan) -> int:
    """Return how many connections the stack of a plan may open.

    Raises :class:`PlanError` if that is more than ``MOST_CONNECTIONS``.
    """
    replicas = len(plan.workers) * plan.replica_counts[-1]
    needed = replicas * CONNECTIONS_A_REPLICA + CONNECTIONS_SPARE
    if needed > MOST_CONNECTIONS:
        replicas_max = (
            (MOST_CONNECTIONS - CONNECTIONS_SPARE) // CONNECTIONS_A_REPLICA // len(plan.workers)
        )
        raise PlanError(
            f"{replicas} replicas may open {needed} connections, but the store accepts at most"
            f" {MOST_CONNECTIONS}. Plan at most {replicas_max} replicas of each worker model, or"
            " fewer worker models (--workers)."
        )
    return needed


def owner() -> str | None:
    """Return the user to run it as, or None if it can run as the harness's own user."""
    if os.geteuid() != 0:
        return None
    for name in OWNERS:
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise EnvironmentFailure(
        "PostgreSQL does not run as root, and this system has no user `postgres` or `nobody` to run"
        " it as. Start twofold as an ordinary user, or use Docker: --backend compose."
    )


def group_of(name: str) -> int:
    """Return the id of a user's primary group."""
    return pwd.getpwnam(name).pw_gid


# -- what its processes say -------------------------------------------------------------------

CLIENT_TITLE = re.compile(
    r"postgres: (?:\S+: )?\S+ \S+ (?:(?P<local>\[local\])|(?P<address>[\da-fA-F.:]+)\(\d+\))"
    r" (?P<activity>.+)"
)
"""The title of a process that serves one client (PostgreSQL's documentation, *Standard Unix
Tools*): ``postgres: user database host(port) activity``, with ``waiting`` where it waits for a
lock."""

_MOST = re.compile(r"max_connections=(\d+)|(?<!\S)-N ?(\d+)")

LOCK_KINDS = {
    "transactionid": "row lock",
    "tuple": "row lock",
    "relation": "table lock",
    "advisory": "advisory lock",
}
"""Our words for the lock that a session waits for (``pg_stat_activity.wait_event``)."""

_SHELL = f"""
user=${{POSTGRES_USER:-${{POSTGRESQL_USERNAME:-}}}}
file=${{POSTGRES_USER_FILE:-}}
if [ -z "$user" ] && [ -n "$file" ]; then user=$(cat "$file"); fi
if [ -z "$user" ] && [ -n "${{STORE_PASSWORD:-}}" ]; then user={USER}; fi
secret=${{POSTGRES_PASSWORD:-${{POSTGRESQL_PASSWORD:-${{STORE_PASSWORD:-}}}}}}
file=${{POSTGRES_PASSWORD_FILE:-${{POSTGRESQL_PASSWORD_FILE:-}}}}
if [ -z "$secret" ] && [ -n "$file" ]; then secret=$(cat "$file"); fi
database=${{POSTGRES_DB:-${{POSTGRESQL_DATABASE:-{DATABASE}}}}}
export PATH="$PATH:$(echo /usr/lib/postgresql/*/bin)" PGPASSWORD="$secret" PGCONNECT_TIMEOUT=2
exec psql -X -A -t -h localhost -U "${{user:-{SUPERUSER}}}" -d "$database" -c "$1"
"""
"""Asks a server from inside of its container, as the user that its image was told to make.

The variables are those of the official image, Bitnami's and our own. Where none names a user, it is
the one that both images make by themselves.
"""

LOCKS_QUERY = (
    "SELECT wait_event, left(regexp_replace(query, '\\s+', ' ', 'g'), 80)"
    " FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    " GROUP BY 1, 2 ORDER BY count(*) DESC LIMIT 1"
)
MOST_QUERY = (
    "SELECT current_setting('max_connections'), CASE WHEN (SELECT role.rolsuper"
    " FROM pg_stat_activity AS seen JOIN pg_roles AS role ON role.oid = seen.usesysid"
    " WHERE seen.pid <> pg_backend_pid() AND seen.backend_type = 'client backend'"
    " GROUP BY role.rolsuper ORDER BY count(*) DESC LIMIT 1) THEN 0"
    " ELSE current_setting('superuser_reserved_connections')::int"
    " + coalesce(current_setting('reserved_connections', true), '0')::int END"
)
"""How many connections a server has, and how many of them it keeps from its clients: none where
these are superusers. ``reserved_connections`` is there from version 16 on."""

USUALLY_RESERVED = 3
"""PostgreSQL's default of ``superuser_reserved_connections``, where the answer does not say it."""


@dataclass(frozen=True, kw_only=True)
class Client:
    """One client's process: its address (None for a local socket), and what it does."""

    address: str | None
    activity: str

    @property
    def is_active(self) -> bool:
        """Whether it is inside of a statement or a transaction."""
        return not self.activity.startswith(("idle", "authentication", "startup")) or (
            self.activity.startswith("idle in transaction")
        )

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for a lock."""
        return self.activity.endswith(" waiting")


def parse_titles(commands: Iterable[str]) -> tuple[tuple[Client, ...], int | None]:
    """Return the clients that a server's processes serve, and ``max_connections`` if it is said."""
    clients: list[Client] = []
    most: int | None = None
    for command in commands:
        title = CLIENT_TITLE.match(command.strip())
        if title is not None:
            activity = title["activity"].strip()
            clients.append(Client(address=title["address"], activity=activity))
        elif (found := _MOST.search(command)) is not None:
            most = int(found[1] or found[2])
    return tuple(clients), most


def is_server(commands: Iterable[str]) -> bool:
    """Return whether these processes are a PostgreSQL server's, by their command lines."""
    return any(
        re.match(r"(\S*/)?postgres(:| |$)", command.strip()) is not None for command in commands
    )


def ask_argv(query: str) -> tuple[str, ...]:
    """Return the command that asks a server one query from inside of its container."""
    return ("sh", "-c", _SHELL, "sh", query)


def parse_lock(text: str) -> tuple[str, str] | None:
    """Return the kind of lock and the statement in the answer to ``LOCKS_QUERY``; None for none."""
    event, separator, statement = text.strip().partition("|")
    return (LOCK_KINDS.get(event, f"{event} lock"), statement.strip()) if separator else None


def parse_most(text: str) -> tuple[int | None, int]:
    """Return both numbers in the answer to ``MOST_QUERY``; the first is None if it is not one.

    Where nobody could ask, none is kept: the clients may be superusers.
    """
    if not text.strip():
        return None, 0
    most, _, reserved = text.strip().partition("|")
    return (
        int(most) if most.isdigit() else None,
        int(reserved) if reserved.isdigit() else USUALLY_RESERVED,
    )


# -- what its log says ------------------------------------------------------------------------

_REFUSED = re.compile(r"FATAL: .*(too many clients already|remaining connection slots)")
_DEADLOCK = re.compile(r"ERROR: .*deadlock detected")


def troubles(log: str) -> tuple[str, ...]:
    """Return how many connections a server's log says it refused, and how many deadlocks it had."""
    told = []
    for count, what in (
        (len(_REFUSED.findall(log)), "refused {} connections (max_connections)"),
        (len(_DEADLOCK.findall(log)), "found {} deadlocks"),
    ):
        if count:
            told.append(f"PostgreSQL {what.format(count)}, by its log.")
    return tuple(told)
