"""Looks at this machine for ``doctor``: what is here, and how each thing that is not fails."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from loadtests.environments import registry
from loadtests.environments.compose.projects import dead_projects
from loadtests.environments.processes import addresses, cpu_limits, leftovers
from loadtests.model.errors import EnvironmentFailure, ProcessFailure
from loadtests.model.machine_facts import Engine, EngineState, Facts, Nginx, Postgres
from loadtests.servers import gunicorn
from loadtests.tools import docker, host, nginx, postgres, proc

SOCKET = "unix:///var/run/docker.sock"
"""Where the engine listens unless ``DOCKER_HOST`` says otherwise."""

PROBED_HOST = "127.111.111.254"
"""Like the proxy's addresses: only a program that listens on all addresses is in its way."""


def survey(results: Path, *, ports: range) -> Facts:
    """Look at everything; start nothing that stays, and change nothing."""
    way = cpu_limits.find("doctor")
    engine = look_at_engine(os.environ.get("DOCKER_HOST") or SOCKET)
    folder = _existing(results)
    spaces = {place: shutil.disk_usage(place).free for place in (folder, tempfile.gettempdir())}
    tightest = min(spaces, key=lambda place: spaces[place])
    probed = PROBED_HOST if sys.platform == "linux" else "127.0.0.1"
    return Facts(
        machine=host.read_machine(can_budget=way.can_budget),
        budgets=way.description,
        nginx=_look_at_nginx(),
        missing_modules=gunicorn.missing_modules(),
        engine=engine,
        taken_ports=tuple(port for port in ports if not addresses.is_free(probed, port)),
        results=str(results),
        results_error=_write_error(folder),
        free_bytes=spaces[tightest],
        free_where=str(tightest),
        leftovers=(*map(str, leftovers.abandoned()), *engine.leftovers),
        postgres=_look_at_postgres(),
    )


def look_at_engine(address: str) -> Engine:
    """Tell how the engine at an address is met, and what it offers."""
    compose = _compose()
    version = compose.version if compose else None
    if address.startswith("unix://"):
        path = address.removeprefix("unix://")
        error = _connect_error(path)
        if error is not None:
            detail = f"{path}: {os.strerror(error)}"
            return Engine(state=_state(error), detail=detail, compose_version=version)
    try:
        engine = docker.Engine()
        with closing(engine):
            return Engine(
                state=EngineState.ANSWERS,
                detail=engine.version,
                compose_version=version,
                machine=registry.docker_machine(engine, compose) if compose else None,
                leftovers=dead_projects(engine),
            )
    except EnvironmentFailure as failure:
        return Engine(state=EngineState.DOWN, detail=str(failure), compose_version=version)


def _connect_error(path: str) -> int | None:
    with closing(socket.socket(socket.AF_UNIX)) as attempt:
        try:
            attempt.connect(path)
        except OSError as error:
            return error.errno or errno.EIO
    return None


def _state(error: int) -> EngineState:
    if error in {errno.EACCES, errno.EPERM}:
        return EngineState.DENIED
    if error == errno.ENOENT and proc.which("docker") is None:
        return EngineState.ABSENT
    return EngineState.DOWN


def _compose() -> docker.Compose | None:
    try:
        return docker.find_compose()
    except EnvironmentFailure:
        return None


def _look_at_nginx() -> Nginx | None:
    path = nginx.find_program()
    if path is None:
        return None
    try:
        words = proc.run(nginx.version_argv(path)).stderr
        return Nginx(
            path=path, version=nginx.parse_version(words), counts=nginx.COUNTS_MODULE in words
        )
    except ProcessFailure:
        return None  # a program of this name that is none


def _look_at_postgres() -> Postgres | None:
    programs = postgres.find_programs()
    if programs is None:
        return None
    path = str(programs.folder)
    try:
        words = proc.run(postgres.version_argv(programs)).stdout
        version = postgres.parse_version(words)
    except ProcessFailure:
        return None  # programs of these names that are none
    try:
        postgres.check_version(words)
        postgres.owner()
    except EnvironmentFailure as failure:
        return Postgres(path=path, version=version, trouble=str(failure))
    return Postgres(path=path, version=version)


def _existing(folder: Path) -> Path:
    """Give the folder, or the nearest one above it that is there."""
    return next(place for place in (folder, *folder.absolute().parents) if place.is_dir())


def _write_error(folder: Path) -> str | None:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return error.strerror or str(error)
