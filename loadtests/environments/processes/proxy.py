"""The proxy of a stack of processes: its configuration, and whether it is in force."""

from __future__ import annotations

import contextlib
import os
import signal
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from loadtests.environments.processes.addresses import Addresses
from loadtests.model.plan import Upstream
from loadtests.tools import nginx, proc, procfs

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Heeds no ``http_proxy``: our own nginx is on this machine."""


def config(
    program: str,
    template: Path,
    upstreams: Sequence[Upstream],
    places: Addresses,
    *,
    folder: Path,
    generation: int,
) -> str:
    """Return nginx's configuration for these upstreams; ``generation`` tells it from others."""
    built_with = proc.run(nginx.version_argv(program)).stderr
    return nginx.render(
        template.read_text(encoding="utf-8"),
        [
            nginx.ServerBlock(
                port=upstream.port,
                members=tuple(
                    places.replicas[f"{upstream.worker}-{number}"] for number in upstream.members
                ),
                idle=upstream.idle,
            )
            for upstream in upstreams
        ],
        status_port=places.status_port,
        folder=str(folder),
        listen_host=places.proxy_host,
        generation=generation,
        counts=nginx.COUNTS_MODULE in built_with,
    )


def end_worker(master: int, pid: int) -> None:
    """Let a worker process of nginx end, if it is a child of the process ``master``."""
    if any(process.pid == pid for process in procfs.family(master)[1:]):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGQUIT)


def generation(places: Addresses) -> int | None:
    """Return the generation of the configuration that is in force; None if nginx does not say."""
    url = f"http://{places.proxy_host}:{places.status_port}/generation"
    try:
        with _DIRECT.open(url, timeout=1) as answer:
            return int(answer.read())
    except (urllib.error.URLError, OSError, ValueError):
        return None
