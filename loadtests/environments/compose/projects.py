"""Compose projects of ours: whose each is, and how it is taken down."""

from __future__ import annotations

import os
import re
import socket
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from loadtests.environments.protocol import Say
from loadtests.model.errors import EnvironmentFailure, ProcessFailure
from loadtests.tools import docker, proc

DOWN_LIMIT_S = 120.0

GONE_LIMIT_S = 15.0
"""How long an engine may still be creating what a Compose that was ended had asked for."""


def project_name(run: str) -> str:
    """Name a Compose project after the run, this machine and this process."""
    return f"twofold-{run.lower()}-{_machine_mark()}-{os.getpid()}"


def _machine_mark() -> str:
    return f"{zlib.crc32(socket.gethostname().encode()):08x}"


def dead_projects(engine: docker.Engine) -> tuple[str, ...]:
    """Give the projects whose run was on this machine and is no more."""
    pattern = re.compile(rf"twofold-.*-{_machine_mark()}-(\d+)")
    found = ((project, pattern.fullmatch(project)) for project in engine.projects())
    return tuple(project for project, match in found if match and not proc.alive(int(match[1])))


def take_down(
    compose: docker.Compose,
    engine: docker.Engine,
    project: str,
    files: Sequence[Path],
    variables: Mapping[str, str],
    say: Say,
) -> None:
    """Take everything down, also what an engine was still creating when Compose was ended.

    What stays of it without running, and without being in anybody's way, is said and no failure.
    """
    command = compose.command(*docker.DOWN_WORDS, project=project, files=files)
    with suppress(ProcessFailure):  # what it leaves is removed below
        proc.run(command, env=variables, timeout_s=DOWN_LIMIT_S, check=False)
    refused: EnvironmentFailure | None = None

    def nothing_left() -> bool:
        nonlocal refused
        refused = None
        try:
            engine.remove(project)
            return project not in engine.projects()
        except EnvironmentFailure as error:  # such as a network that is just being joined
            refused = error
            return False

    try:
        proc.wait_until(
            nothing_left,
            limit_s=GONE_LIMIT_S,
            failure=lambda: (
                f"Parts of the stack {project} are still there. {refused or ''} Run `twofold down`."
            ),
        )
    except EnvironmentFailure:
        if not isinstance(refused, docker.NetworkKept):
            raise
        say(str(refused))


def remove_dead(engine: docker.Engine, say: Say) -> None:
    """Remove what runs on this machine have left that are no more."""
    for project in dead_projects(engine):
        say(f"Removing what a run that died has left: {project}")
        _remove(engine, project, say)


def remove_all(say: Say) -> int:
    """Remove what runs of any process have left, living ones too; give how many runs."""
    try:
        engine = docker.Engine()
    except EnvironmentFailure as error:  # no engine, so none of its containers either
        say(str(error))
        return 0
    try:
        removed = 0
        for project in engine.projects():
            say(f"Removing {project}")
            removed += _remove(engine, project, say)
        return removed
    finally:
        engine.close()


def _remove(engine: docker.Engine, project: str, say: Say) -> bool:
    """Remove a project; tell whether all of it is gone."""
    try:
        engine.remove(project)
    except docker.NetworkKept as error:  # in nobody's way
        say(str(error))
        return False
    return True
