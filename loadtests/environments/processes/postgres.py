"""Starts this machine's PostgreSQL as the store of a stack, with files of its own."""

from __future__ import annotations

import secrets
import shutil
import signal
from pathlib import Path

from loadtests.environments.processes.addresses import Addresses
from loadtests.environments.processes.members import Members
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.plan import Plan
from loadtests.model.vocabulary import Role
from loadtests.tools import postgres, proc
from loadtests.tools.postgres import Programs

FILES = ("start-store", "postgresql.conf")

READY_LIMIT_S = 30.0
"""How long it may take to create its files and listen; a free core takes 2 s."""


def find() -> Programs:
    """Return this machine's PostgreSQL.

    Raises :class:`EnvironmentFailure` if there is none, or only one that is too old.
    """
    programs = postgres.find_programs()
    if programs is None:
        raise EnvironmentFailure(postgres.MISSING)
    postgres.check_version(proc.run(postgres.version_argv(programs)).stdout)
    return programs


def start(
    plan: Plan,
    programs: Programs,
    members: Members,
    places: Addresses,
    *,
    root: Path,
    stack_folder: Path,
) -> str:
    """Start it as a member of the stack, wait until it answers, and return its URL.

    Its files are in ``stack_folder``, so they are removed with the stack. It has a random password,
    because every user of the machine can reach loopback addresses.
    """
    owner = postgres.owner()
    folder = _make_folder(stack_folder, root=root, owner=owner)
    host, port = places.store_host, places.store_port
    password = secrets.token_hex(16)
    members.serve(
        Role.STORE,
        postgres.start_argv(str(folder / FILES[0]), owner=owner),
        cwd=folder,
        env=postgres.environment(
            programs=str(programs.folder),
            folder=str(folder),
            config=str(folder / FILES[1]),
            host=host,
            port=port,
            password=password,
            connections=postgres.connections(plan),
        ),
        cores=plan.budget.store_cores,
        stop=signal.SIGINT,  # disconnects its clients; SIGTERM would wait for them
    )

    def is_ready() -> bool:
        members.check_alive([Role.STORE])
        return proc.run(postgres.ready_argv(programs, host=host, port=port), check=False).code == 0

    proc.wait_until(
        is_ready,
        limit_s=READY_LIMIT_S,
        failure=lambda: (
            f"PostgreSQL did not accept connections in {READY_LIMIT_S:g} s. The end of its log:\n"
            f"{members.log_of(Role.STORE)}"
        ),
    )
    return postgres.url(host=host, port=port, password=password)


def _make_folder(stack_folder: Path, *, root: Path, owner: str | None) -> Path:
    """Create the store's folder with its script and settings; ``owner`` gets them."""
    folder = stack_folder / Role.STORE
    folder.mkdir(mode=0o700)
    for name in FILES:
        shutil.copy(root / "compose/store" / name, folder)
    if owner is not None:
        _check_reachable(stack_folder, owner)
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, owner)
    return folder


def _check_reachable(folder: Path, owner: str) -> None:
    """Raise :class:`EnvironmentFailure` if ``owner`` cannot enter ``folder`` or a parent of it."""
    closed = [path for path in (folder, *folder.parents) if not path.stat().st_mode & 0o001]
    if closed:
        raise EnvironmentFailure(
            f"PostgreSQL does not run as root, so it runs as the user {owner}, who cannot enter"
            f" {closed[0]}, where the run's files are. Set TMPDIR to a folder that everyone may"
            " enter, such as /tmp; or start twofold as an ordinary user."
        )
