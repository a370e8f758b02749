"""Docker's command lines. ``host`` is the address of an engine; None means the environment's."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from loadtests.tools.docker import connection, images

HOST = "DOCKER_HOST"
CONTEXT = "DOCKER_CONTEXT"


def docker_argv(host: str | None, *words: str) -> tuple[str, ...]:
    """Return a command of the engine at ``host``.

    Certificates of the environment are for engines by TCP. ``docker`` reads them for a socket, too,
    and some versions then speak TLS to it (moby issue 36535).
    """
    if host is None:
        return ("docker", *words)
    return (*_without_certificates(host), "docker", "--host", host, *words)


def _without_certificates(host: str) -> tuple[str, ...]:
    """Return what has to be before a command so that it gets no certificates that it must not."""
    if connection.takes_certificates(host):
        return ()
    there = [name for name in connection.CERTIFICATES if name in os.environ]
    return ("env", *(word for name in there for word in ("-u", name))) if there else ()


def build_argv(
    *, tag: str, folder: Path, dockerfile: Path, base_image: str, words: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return the command that builds an image from a folder (its context) on a base image."""
    return images.build_argv(
        tag=tag,
        folder=folder,
        dockerfile=dockerfile,
        arguments={images.BASE_ARGUMENT: base_image},
        words=words,
    )


def build_limits(*, network: str | None, memory_bytes: int) -> tuple[str, ...]:
    """Return options for the build of somebody else's code.

    ``network`` None leaves it as it is. The classic builder keeps the limit of memory, with that
    of swap; BuildKit has none, and ignores it.
    """
    limits = ("--memory", str(memory_bytes), "--memory-swap", str(memory_bytes))
    return (*limits, *(("--network", network) if network is not None else ()))


def exec_argv(container: str, *command: str, host: str | None = None) -> tuple[str, ...]:
    """Return the command that runs a program in a container and connects its streams."""
    return docker_argv(host, "exec", "--interactive", container, *command)


def update_argv(
    containers: Sequence[str],
    *,
    cpus: float | None,
    cores: Sequence[int],
    host: str | None = None,
    period_us: int | None = None,
) -> tuple[str, ...]:
    """Return the command that limits running containers to a CPU budget and to cores.

    With ``period_us`` the budget is a quota in such a period, whose length can be set later on. A
    container that has one of ``--cpus`` refuses that, and the other way round.
    """
    budget: tuple[str, ...] = () if cpus is None else (f"--cpus={cpus:g}",)
    if cpus is not None and period_us is not None:
        budget = (f"--cpu-period={period_us}", f"--cpu-quota={round(cpus * period_us)}")
    pinned = (f"--cpuset-cpus={','.join(str(core) for core in cores)}",) if cores else ()
    return docker_argv(host, "update", *budget, *pinned, *containers)


def no_restart_argv(containers: Sequence[str]) -> tuple[str, ...]:
    """Return the command after which the engine starts these containers no more by itself."""
    return docker_argv(None, "update", "--restart=no", *containers)


@contextmanager
def pointed_at(host: str) -> Iterator[None]:
    """Let Docker's programs and :class:`Engine` use the engine at ``host`` in this block.

    The environment's certificates are for an engine at another address, if this one takes none.
    """
    before = {name: os.environ.get(name) for name in (HOST, CONTEXT, *connection.CERTIFICATES)}
    os.environ.pop(CONTEXT, None)
    if not connection.takes_certificates(host):
        for name in connection.CERTIFICATES:
            os.environ.pop(name, None)
    os.environ[HOST] = host
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
