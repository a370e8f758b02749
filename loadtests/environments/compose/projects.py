"""Compose projects of twofold: their owners, start and removal."""

from __future__ import annotations

import json
import os
import re
import socket
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

from loadtests.environments.compose import watchdog
from loadtests.environments.counters import SPOKEN_TO, member_name
from loadtests.environments.guards.machine_lock import FOLDER_VARIABLE
from loadtests.environments.guards.watching import Guard
from loadtests.environments.owner import Owner, boot_id, machine_id
from loadtests.environments.protocol import Say
from loadtests.environments.removal import KeptBySystem, Remains, remove_dead
from loadtests.model.errors import EnvironmentFailure, ProcessFailure
from loadtests.tools import docker, docker_compose, files, proc, signals
from loadtests.tools.docker import connection

UP_LIMIT_S = 180.0
UP_SILENCE_S = 30.0
"""How long Compose may be silent, and the containers unchanged, before it counts as hung."""

DOWN_LIMIT_S = 120.0
DOWN_SILENCE_S = 15.0
"""The same for the removal; what Compose did not remove is removed without it."""

LOGS_LIMIT_S = 15.0
"""How long an engine may take for the logs of all containers."""

GONE_LIMIT_S = 15.0
"""Seconds in which the engine may still create what an ended Compose requested."""


IMAGES = "compose.images.json"
"""The ids of the images that a run's containers were made from, in the run's folder."""

IS_IMAGE = re.compile(r"sha256:[0-9a-f]{64}")

KEEP_RUNNING = ("--no-recreate",)
"""Option of ``up`` that keeps running containers."""


@dataclass(frozen=True, kw_only=True)
class Project:
    """One Compose project: its name, its files, and their variables."""

    engine: docker.Engine
    compose: docker_compose.Compose
    name: str
    files: tuple[Path, ...]
    variables: Mapping[str, str]
    images: Mapping[str, str] = field(default_factory=dict)
    """The ids of the images of the user's services, by their names."""
    on_start: Callable[[int], None] | None = None
    """Called with the id of each program that starts something; see ``Guard.mind``."""

    def up(
        self,
        services: Sequence[str],
        scale: Mapping[str, int] = MappingProxyType({}),
        options: Sequence[str] = (),
        *,
        start: bool = True,
        silence_limit_s: float = UP_SILENCE_S,
    ) -> None:
        """Start services, ``scale`` of each; raise with Compose's output if that fails.

        Without ``start``, they are only created, with their networks. Compose says nothing while it
        waits for a service's check of health, which ``silence_limit_s`` has to allow for.
        """
        owner = {"TWOFOLD_OWNER": Owner.this_process().as_label()}
        word, *words = docker_compose.up_words(scale, services, start=start)
        argv = self.compose.command(word, *options, *words, project=self.name, files=self.files)
        try:
            docker.pulse.run(
                argv,
                env={**self.variables, **owner},
                timeout_s=UP_LIMIT_S,
                on_start=self.on_start,
                silence_limit_s=silence_limit_s,
                state=lambda: self.engine.containers(self.name),
            )
        except ProcessFailure as error:
            raise EnvironmentFailure(
                f"Compose {self.compose.version} did not start the stack: {error.output or error}"
            ) from error

    def stop(self, services: Sequence[str], *, grace_s: int) -> None:
        """Stop services if possible; what remains is removed with the project."""
        words = docker_compose.stop_words(services, grace_s=grace_s)
        argv = self.compose.command(*words, project=self.name, files=self.files)
        with suppress(ProcessFailure):
            proc.run(argv, env=self.variables, timeout_s=DOWN_LIMIT_S, check=False)

    def containers(self) -> dict[str, docker.Container]:
        """Return the existing containers by their names in the stack."""
        return {
            member_name(container): container for container in self.engine.containers(self.name)
        }

    def save_logs(self, folder: Path) -> None:
        """Save the logs if possible; a full disk must not prevent taking the stack down."""
        deadline_s = proc.monotonic_s() + LOGS_LIMIT_S
        with suppress(OSError, EnvironmentFailure):
            folder.mkdir(parents=True, exist_ok=True)
            for name, container in self.containers().items():
                if proc.monotonic_s() > deadline_s:
                    return
                # The program inside writes a log of its own under the plain name.
                suffix = "-container" if name in SPOKEN_TO else ""
                (folder / f"{name}{suffix}.log").write_text(
                    self.engine.log(container.id), encoding="utf-8"
                )


@contextmanager
def opened_engine(say: Say) -> Iterator[tuple[docker.Engine, docker_compose.Compose]]:
    """Provide the engine and Compose, after removing what dead runs have left."""
    engine = docker.Engine()
    try:
        compose = docker_compose.find_compose()
        remove_dead(remains(engine), say)
        check_alone(engine)
        yield engine, compose
    finally:
        engine.close()


@contextmanager
def opened(project: Project, folder: Path, say: Say) -> Iterator[Project]:
    """Provide a project; always save its logs into ``folder`` and take it down at the end.

    A watchdog takes it down if this process ends before, or if the engine does not answer. So
    nobody has to wait for a hung engine.
    """
    _record_images(project, folder)
    logs = folder / "logs"
    with watchdog.guard(project.name, log=logs / "watchdog.log") as guard:
        try:
            yield replace(project, on_start=guard.mind)
        finally:
            with signals.shield():
                try:
                    say("Taking the stack down")
                finally:
                    _save_and_remove(project, logs, guard, say)


def _record_images(project: Project, folder: Path) -> None:
    """Write down the ids of the images that a project's variables name, and of the user's."""
    all_named = {**project.variables, **project.images}
    named = {name: value for name, value in all_named.items() if IS_IMAGE.fullmatch(value)}
    files.write(folder / IMAGES, json.dumps(named, indent=1) + "\n")


def _save_and_remove(project: Project, logs: Path, guard: Guard, say: Say) -> None:
    try:
        if not project.engine.answers():
            raise EnvironmentFailure("The Docker engine does not answer, so the stack is not down.")
        project.save_logs(logs)
        take_down(project, say)
    except EnvironmentFailure as failure:
        raise EnvironmentFailure(
            f"{failure} A watchdog goes on trying to remove it; its log: {guard.log}"
        ) from failure
    guard.note_gone()


NAME = re.compile(r"twofold-.+-(?P<machine>[0-9a-f]{8})-(?P<pid>\d+)")
"""Form of :func:`project_name`. Projects with other names are not ours, whatever their labels."""


@contextmanager
def engine_if_any(say: Say) -> Iterator[docker.Engine | None]:
    """Provide the engine, or None with a message if there is none: then no container runs.

    Raises :class:`EnvironmentFailure` for one that does not answer: nobody knows what it runs.
    """
    try:
        engine = docker.Engine()
    except docker.NoEngine as error:
        say(str(error))
        yield None
        return
    try:
        yield engine
    finally:
        engine.close()


def project_name(run: str) -> str:
    """Return the name of a run's Compose project, with this machine and process."""
    return f"twofold-{run.lower()}-{machine_mark()}-{os.getpid()}"


def labels_of(project: str, run: str | None = None) -> dict[str, str]:
    """Return the labels by which a container that Compose does not know is found and removed.

    Its name has to begin with the project's. ``run`` is the run that it belongs to, if any.
    """
    return {
        docker.PROJECT_LABEL: project,
        docker.RUN_LABEL: run or project,
        docker.OWNER_LABEL: Owner.this_process().as_label(),
    }


def machine_mark() -> str:
    """Return the mark of this machine in the names of stacks.

    Machines of one engine or Swarm may have one host name, so what tells them apart is in it.
    """
    return _crc(f"{socket.gethostname()}/{machine_id()}")


def _crc(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"


def remains(engine: docker.Engine) -> tuple[Remains, ...]:
    """Return what runs have left on an engine, and whether each run may still be active.

    A run from another machine may be active, since its process cannot be checked from here.
    """
    return tuple(
        Remains(
            name=project, living=may_live(match, owner), remove=partial(_remove, engine, project)
        )
        for project, owner in engine.projects().items()
        if (match := NAME.fullmatch(project))
    )


def may_live(name: re.Match[str], label: str) -> bool:
    """Return whether a stack's run may still be active, by its name and its owner's label.

    One whose machine is not known to be this one may be. Earlier versions marked machines by their
    host names alone; then it is this one where the boot is the same, too.
    """
    owner = Owner.from_label(label)
    here = {machine_mark()}
    if owner is not None and owner.boot and owner.boot == boot_id():
        here.add(_crc(socket.gethostname()))
    if name["machine"] not in here:
        return True
    return owner.may_live() if owner else proc.alive(int(name["pid"]))


def check_alone(engine: docker.Engine) -> None:
    """Raise :class:`EnvironmentFailure` if a run that the lock does not show may measure there.

    The lock of a machine is a file. A run in another container that has the engine's socket, or on
    another machine, has another file, unless all were given one folder for it.
    """
    if os.environ.get(FOLDER_VARIABLE) or connection.sees_processes_of():
        return
    others = [
        _told(project, label)
        for project, label in engine.projects().items()
        if (match := NAME.fullmatch(project)) and _is_elsewhere(match, label)
        if any(container.running for container in engine.containers(project))
    ]
    if others:
        raise EnvironmentFailure(
            f"Another run may measure on this engine: {'; '.join(others)}. Two at once would"
            " measure each other. Wait for it. If it has ended, remove what it left: twofold down"
            " --all. Runs in several containers wait for one another where all have one folder:"
            f" {FOLDER_VARIABLE}=FOLDER."
        )


def _is_elsewhere(name: re.Match[str], label: str) -> bool:
    """Return whether a stack's run is in another PID namespace, or on another machine."""
    owner, here = Owner.from_label(label), Owner.this_process()
    if owner is None:
        return name["machine"] != machine_mark()
    return (owner.boot, owner.namespace) != (here.boot, here.namespace)


def _told(project: str, label: str) -> str:
    owner = Owner.from_label(label)
    return f"{project} (process {owner.pid} in another container or machine)" if owner else project


def _remove(engine: docker.Engine, project: str) -> None:
    try:
        engine.remove(project)
    except docker.NetworkKept as error:
        raise KeptBySystem(str(error)) from error


def dead_projects(engine: docker.Engine) -> tuple[str, ...]:
    """Return the names of the projects whose run was on this machine and has ended."""
    return tuple(run.name for run in remains(engine) if not run.living)


def take_down(project: Project, say: Say) -> None:
    """Remove everything, also what the engine was still creating when Compose was ended.

    A harmless part that cannot be removed is reported, and is not an error.
    """
    engine, name = project.engine, project.name
    command = project.compose.command(*docker_compose.DOWN_WORDS, project=name, files=project.files)
    with suppress(ProcessFailure):  # what it leaves is removed below
        docker.pulse.run(
            command,
            env=project.variables,
            timeout_s=DOWN_LIMIT_S,
            check=False,
            silence_limit_s=DOWN_SILENCE_S,
        )
    refused: EnvironmentFailure | None = None

    def nothing_left() -> bool:
        nonlocal refused
        refused = None
        try:
            engine.remove(name)
            return name not in engine.projects()
        except EnvironmentFailure as error:  # such as a network that a container is joining
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
    except EnvironmentFailure:  # the limit
        if not isinstance(refused, docker.NetworkKept):
            raise
        say(str(refused))
