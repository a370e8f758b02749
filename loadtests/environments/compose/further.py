"""What the consistency checks need of containers: one more replica, and what one wrote."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from loadtests.environments.compose.projects import KEEP_RUNNING, Project
from loadtests.model.errors import ProcessFailure
from loadtests.tools import docker_files, proc

ALONE = (*KEEP_RUNNING, "--no-deps")
"""Options of ``up`` that start the new replica and nothing else."""


@contextmanager
def further_replica(project: Project, worker: str, *, running: int, port: str) -> Iterator[str]:
    """Start one more replica beside the ``running`` ones; provide its address, and remove it."""
    project.up((worker,), {worker: running + 1}, ALONE)
    container = project.containers()[f"{worker}-{running + 1}"]
    try:
        yield f"{container.address}:{port}"
    finally:
        proc.run(docker_files.remove_argv(container.id), timeout_s=docker_files.LIMIT_S)


def files_written(container: str) -> tuple[str, ...]:
    """Return what a container changed in its file system, and the volumes that only it has.

    Nothing is known where the engine takes too long: without overlay2 it compares every file of the
    image, and this only explains what was found otherwise.
    """
    changed = _output(docker_files.diff_argv(container))
    mounts = _output(docker_files.mounts_argv(container))
    return (*docker_files.parse_diff(changed), *docker_files.parse_own_volumes(mounts))


def _output(argv: tuple[str, ...]) -> str:
    try:
        return proc.run(argv, timeout_s=docker_files.LIMIT_S).stdout
    except ProcessFailure:
        return ""
