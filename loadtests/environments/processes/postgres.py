"""The store of a stack of processes: PostgreSQL of this machine, with files of the run alone."""

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
"""How long it may take to make its files and to listen; a free core takes some 2 s."""


def find() -> Programs:
    """Give the PostgreSQL of this machine; raise where there is none, or one that is too old."""
    programs = postgres.find_programs()
    if programs is None:
        raise EnvironmentFailure(postgres.MISSING)
    postgres.check_version(proc.run(postgres.version_argv(programs)).stdout)
    return programs


def start(
    plan: Plan, programs: Programs, members: Members, places: Addresses, *, root: Path, own: Path
) -> str:
    """Start it as a member of the stack, wait until it answers, and give its address.

    It has a folder below ``own``, which goes with the stack, and a password that nobody else
    knows: the loopback addresses are open to every user of the machine.
    """
    folder = own / Role.STORE
    folder.mkdir(mode=0o700)
    for name in FILES:
        shutil.copy(root / "compose/store" / name, folder)
    owner = postgres.owner()
    if owner is not None:
        _check_reachable(own, owner)
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, owner)
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
        stop=signal.SIGINT,  # which sends its clients away; SIGTERM would wait for them
    )

    def is_ready() -> bool:
        members.check_alive([Role.STORE])
        return proc.run(postgres.ready_argv(programs, host=host, port=port), check=False).code == 0

    proc.wait_until(
        is_ready,
        limit_s=READY_LIMIT_S,
        failure=lambda: (
            f"PostgreSQL did not take connections in {READY_LIMIT_S:g} s. The end of its log:\n"
            f"{members.log_of(Role.STORE)}"
        ),
    )
    return postgres.url(host=host, port=port, password=password)


def _check_reachable(folder: Path, owner: str) -> None:
    """Raise where a folder on the way is closed to others than its owner."""
    closed = [path for path in (folder, *folder.parents) if not path.stat().st_mode & 0o001]
    if closed:
        raise EnvironmentFailure(
            f"PostgreSQL does not run as root, and as the user {owner} it cannot enter {closed[0]},"
            " where the run's files are. Let TMPDIR name a folder that everyone may enter, such as"
            " /tmp; or start twofold as an ordinary user."
        )
