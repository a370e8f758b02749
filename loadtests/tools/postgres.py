"""PostgreSQL: where its programs are, and its command lines. What runs them is ``tools.proc``.

One script starts it in both backends, with one file of settings: ``compose/store/``.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from loadtests.model.errors import EnvironmentFailure, PlanError, ProcessFailure
from loadtests.model.plan import Plan

PORT = 5432
LEAST_VERSION = 15

USER = "twofold"
DATABASE = "postgres"

SYSTEM_FOLDERS = ("/usr/lib/postgresql", "/usr/local/lib/postgresql", "/opt/homebrew/opt")
"""Where systems keep the programs, in a folder for each version; on PATH is only a part of them."""

OWNERS = ("postgres", "nobody")
"""Who it runs as where the harness is root, which it refuses: the first of these that is here."""

CONNECTIONS_A_REPLICA = 12
"""More than any worker model's replica opens (10 of gevent's; see the application's settings)."""

CONNECTIONS_SPARE = 8
"""For a person who looks, and for those that PostgreSQL keeps to itself."""

MOST_CONNECTIONS = 480
"""Each is a process, and the container may have 512 (``pids_limit`` in compose/compose.yaml)."""

MISSING = (
    "There is no PostgreSQL here, which the workloads db and mixed and --probe need. Install it"
    " (`apt install postgresql`, `brew install postgresql`), or use Docker: --backend compose."
)


@dataclass(frozen=True, kw_only=True)
class Programs:
    """The folder of the programs of one PostgreSQL."""

    folder: Path

    @property
    def server(self) -> str:
        """The path of the server's own program."""
        return str(self.folder / "postgres")


def find_programs() -> Programs | None:
    """Give the newest PostgreSQL of this machine that has what makes and what serves a database."""
    folders = [path.parent for root in SYSTEM_FOLDERS for path in Path(root).glob("*/bin/initdb")]
    on_path = shutil.which("initdb")
    if on_path is not None:
        folders.append(Path(on_path).resolve().parent)
    whole = [folder for folder in folders if (folder / "postgres").exists()]
    return Programs(folder=max(whole, key=_number_in)) if whole else None


def _number_in(folder: Path) -> int:
    """Give the version that a folder such as ``/usr/lib/postgresql/17/bin`` is named after."""
    found = re.search(r"(\d+)", folder.parent.name)
    return int(found[1]) if found else 0


def check_version(text: str) -> None:
    """Raise for a server that is older than what is promised to work."""
    version = parse_version(text)
    if int(version.partition(".")[0]) < LEAST_VERSION:
        raise EnvironmentFailure(
            f"PostgreSQL {version} is here; {LEAST_VERSION} or later is needed. Install one, or use"
            " Docker: --backend compose."
        )


def parse_version(text: str) -> str:
    """Give the version out of what ``postgres --version`` writes."""
    found = re.search(r"\(PostgreSQL\) (\d+(?:\.\d+)*)", text)
    if found is None:
        raise ProcessFailure(
            f"`postgres --version` wrote {text.strip()!r}, which names no version."
        )
    return found[1]


def version_argv(programs: Programs) -> tuple[str, ...]:
    """Give the command that writes the server's version."""
    return (programs.server, "--version")


def start_argv(script: str, *, owner: str | None = None) -> tuple[str, ...]:
    """Give the command that makes an empty database and serves it; see ``environment``.

    ``owner`` is the user that root hands it to. The process keeps dying with who started it, which
    a change of user would undo.
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
    """Give the variables that ``compose/store/start-store`` reads."""
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
    """Give the command that ends with code 0 once the server takes connections."""
    return (str(programs.folder / "pg_isready"), "--quiet", "--host", host, "--port", str(port))


READY_SCRIPT = f"/usr/lib/postgresql/*/bin/pg_isready --quiet --host localhost --port {PORT}"
"""The same for a shell in the store's container, whose version only the image knows."""


def url(*, host: str, port: int, password: str) -> str:
    """Give the address by which the application finds it."""
    return f"postgresql://{USER}:{password}@{host}:{port}/{DATABASE}"


def connections(plan: Plan) -> int:
    """Give how many connections the stack of a plan may open; raise for more than there can be."""
    replicas = len(plan.workers) * plan.replica_counts[-1]
    wanted = replicas * CONNECTIONS_A_REPLICA + CONNECTIONS_SPARE
    if wanted > MOST_CONNECTIONS:
        most = (MOST_CONNECTIONS - CONNECTIONS_SPARE) // CONNECTIONS_A_REPLICA // len(plan.workers)
        raise PlanError(
            f"{replicas} replicas may open {wanted} connections, and the store takes at most"
            f" {MOST_CONNECTIONS}. What fits: up to {most} replicas of each worker model, or fewer"
            " models (--workers)."
        )
    return wanted


def owner() -> str | None:
    """Give the user to run it as, None where it can run as the harness's own."""
    if os.geteuid() != 0:
        return None
    for name in OWNERS:
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise EnvironmentFailure(
        "PostgreSQL does not run as root, and this system has neither a user `postgres` nor"
        " `nobody`. Start twofold as an ordinary user, or use Docker: --backend compose."
    )


def group_of(name: str) -> int:
    """Give the number of a user's own group."""
    return pwd.getpwnam(name).pw_gid
