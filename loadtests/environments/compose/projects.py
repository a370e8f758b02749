"""Compose projects of ours: whose each is, how it comes up, and how it is taken down."""

from __future__ import annotations

import os
import re
import socket
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

from loadtests.environments.counters import SPOKEN_TO, member_name
from loadtests.environments.owner import Owner
from loadtests.environments.protocol import Say
from loadtests.environments.removal import KeptBySystem, Remains, remove_dead
from loadtests.model.errors import EnvironmentFailure, ProcessFailure
from loadtests.tools import docker, proc, signals

UP_LIMIT_S = 180.0
DOWN_LIMIT_S = 120.0

GONE_LIMIT_S = 15.0
"""How long an engine may still be creating what a Compose that was ended had asked for."""


KEEP_RUNNING = ("--no-recreate",)
"""Option of ``up`` that leaves the containers that are there as they are."""


@dataclass(frozen=True, kw_only=True)
class Project:
    """One Compose project: its name, its files, and the variables in them."""

    engine: docker.Engine
    compose: docker.Compose
    name: str
    files: tuple[Path, ...]
    variables: Mapping[str, str]

    def up(
        self,
        services: Sequence[str],
        scale: Mapping[str, int] = MappingProxyType({}),
        options: Sequence[str] = (),
    ) -> None:
        """Start services, some of them several times; raise with what Compose said."""
        owner = {"TWOFOLD_OWNER": Owner.this_process().as_label()}
        word, *words = docker.up_words(scale, services)
        argv = self.compose.command(word, *options, *words, project=self.name, files=self.files)
        try:
            proc.run(argv, env={**self.variables, **owner}, timeout_s=UP_LIMIT_S)
        except ProcessFailure as error:
            raise EnvironmentFailure(
                f"Compose {self.compose.version} did not start the stack: {error.output or error}"
            ) from error

    def containers(self) -> dict[str, docker.Container]:
        """Give the containers that there are, by their names in the stack."""
        return {
            member_name(container): container for container in self.engine.containers(self.name)
        }

    def save_logs(self, folder: Path) -> None:
        """Save the logs as far as it goes: a full disk must not keep a stack up."""
        with suppress(OSError, EnvironmentFailure):
            folder.mkdir(parents=True, exist_ok=True)
            for name, container in self.containers().items():
                # The program inside has a log of its own.
                suffix = "-container" if name in SPOKEN_TO else ""
                (folder / f"{name}{suffix}.log").write_text(self.engine.log(container.id))


@contextmanager
def opened_engine(say: Say) -> Iterator[tuple[docker.Engine, docker.Compose]]:
    """Have the engine and its Compose, rid of what runs that died have left."""
    engine = docker.Engine()
    try:
        compose = docker.find_compose()
        remove_dead(remains(engine), say)
        yield engine, compose
    finally:
        engine.close()


@contextmanager
def opened(project: Project, folder: Path, say: Say) -> Iterator[Project]:
    """Have a project that is surely taken down, its logs saved into ``folder`` before."""
    try:
        yield project
    finally:
        with signals.shield():
            try:
                say("Taking the stack down")
                project.save_logs(folder / "logs")
            finally:
                take_down(project, say)


NAME = re.compile(r"twofold-.+-(?P<machine>[0-9a-f]{8})-(?P<pid>\d+)")
"""What :func:`project_name` gives. A project with another name is not ours, whatever its labels."""


@contextmanager
def engine_if_any(say: Say) -> Iterator[docker.Engine | None]:
    """Have the engine, or None with a word where none answers: then none of its containers run."""
    try:
        engine = docker.Engine()
    except EnvironmentFailure as error:
        say(str(error))
        yield None
        return
    try:
        yield engine
    finally:
        engine.close()


def project_name(run: str) -> str:
    """Name a Compose project after the run, this machine and this process."""
    return f"twofold-{run.lower()}-{_machine_mark()}-{os.getpid()}"


def _machine_mark() -> str:
    return f"{zlib.crc32(socket.gethostname().encode()):08x}"


def remains(engine: docker.Engine) -> tuple[Remains, ...]:
    """Give what our runs have on an engine, and whether each may still go on.

    A run of another machine may, since it cannot be seen from here.
    """
    return tuple(
        Remains(
            name=project, living=_may_live(match, owner), remove=partial(_remove, engine, project)
        )
        for project, owner in engine.projects().items()
        if (match := NAME.fullmatch(project))
    )


def _may_live(name: re.Match[str], label: str) -> bool:
    if name["machine"] != _machine_mark():
        return True
    owner = Owner.from_label(label)
    return owner.may_live() if owner else proc.alive(int(name["pid"]))


def _remove(engine: docker.Engine, project: str) -> None:
    try:
        engine.remove(project)
    except docker.NetworkKept as error:
        raise KeptBySystem(str(error)) from error


def dead_projects(engine: docker.Engine) -> tuple[str, ...]:
    """Give the projects whose run was on this machine and is no more."""
    return tuple(run.name for run in remains(engine) if not run.living)


def take_down(project: Project, say: Say) -> None:
    """Take everything down, also what an engine was still creating when Compose was ended.

    What stays of it without running, and without being in anybody's way, is said and no failure.
    """
    engine, name = project.engine, project.name
    command = project.compose.command(*docker.DOWN_WORDS, project=name, files=project.files)
    with suppress(ProcessFailure):  # what it leaves is removed below
        proc.run(command, env=project.variables, timeout_s=DOWN_LIMIT_S, check=False)
    refused: EnvironmentFailure | None = None

    def nothing_left() -> bool:
        nonlocal refused
        refused = None
        try:
            engine.remove(name)
            return name not in engine.projects()
        except EnvironmentFailure as error:  # such as a network that is just being joined
            refused = error
            return False

    try:
        proc.wait_until(
            nothing_left,
            limit_s=GONE_LIMIT_S,
            failure=lambda: (
                f"Parts of the stack {name} are still there. {refused or ''} Run `twofold down`."
            ),
        )
    except EnvironmentFailure:
        if not isinstance(refused, docker.NetworkKept):
            raise
        say(str(refused))
