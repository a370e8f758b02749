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


def files_written(
    container: str, *, driver: str, limit_s: float, host: str | None = None
) -> tuple[str, ...] | None:
    """Return what a container changed in its file system, and the volumes that only it has.

    None where that takes longer than ``limit_s``: some of the engine's storage drivers compare all
    files, which keeps the engine busy, so those are not asked where there is little time.
    """
    if driver not in docker_files.FAST_DRIVERS and limit_s < docker_files.SLOW_S:
        return None
    try:
        changed = proc.run(docker_files.diff_argv(container, host=host), timeout_s=limit_s).stdout
        mounts = proc.run(docker_files.mounts_argv(container, host=host), timeout_s=limit_s).stdout
    except ProcessFailure:
        return None
    return (*docker_files.parse_diff(changed), *docker_files.parse_own_volumes(mounts))
