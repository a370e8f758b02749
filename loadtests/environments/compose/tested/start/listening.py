"""Waits until a user's containers listen, and finds the port of the replicas."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from loadtests.environments.compose.images import GENERATOR
from loadtests.environments.compose.projects import labels_of, project_name
from loadtests.environments.compose.tested.start import ports
from loadtests.environments.compose.tested.start.endings import ReplicaEnded, end_of, ended, repeats
from loadtests.environments.compose.tested.start.ports import Sockets
from loadtests.environments.counters import member_name
from loadtests.environments.shared import remedies
from loadtests.model.errors import EnvironmentFailure, ProcessFailure
from loadtests.model.plan import START_LIMIT_S
from loadtests.tools import docker, docker_files, proc, procfs
from loadtests.tools.docker import Container, pulse

LOOPBACK_LIMIT_S = 10.0
"""Seconds that a replica may listen on loopback addresses only: a proxy inside may come later."""

SETTLED_S = 1.5
"""Seconds without another port, before the ports of a replica count as complete."""

POLL_S = 0.3
HELPER_LIMIT_S = 30.0
ASK_LIMIT_S = 30.0

ASK_AGAIN_S = 2.0
"""Seconds until the same ports are asked again: each time a program starts in a container."""

PROC = Path("/proc")

ASK = """
import http.client, json, sys, urllib.parse
found = []
for url in sys.argv[1:]:
    place = urllib.parse.urlsplit(url).netloc
    path = urllib.parse.quote(url.partition(place)[2], safe="%/:?#[]@!$&'()*+,;=~")
    connection = http.client.HTTPConnection(place, timeout=15 / len(sys.argv[1:]))
    try:
        connection.request("GET", path or "/")
        status = connection.getresponse().status
    except Exception:
        status = None
    finally:
        connection.close()
    found.append(status)
print(json.dumps(found))
"""
"""Asks URLs from the generator's container, whose network the replicas have.

A redirect is an answer: it may lead out of that network.
"""

Look = Callable[[Container], Sockets | None]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is known of a replica's port before it starts: what the user says, and what is declared.

    ``path`` is asked, unless the user names the port: a debugger or sshd may listen before the
    application. ``limit_s`` is how long a replica may take until it answers.
    """

    asked: int | None
    declared: tuple[int, ...]
    path: str
    limit_s: float = START_LIMIT_S


def look(container: Container, *, local: bool, run: str) -> Sockets | None:
    """Return what listens in a container, or None if it is not running.

    On this machine the kernel's tables are read. For another machine's engine, and where processes
    of containers are not visible, a helper container reads them.
    """
    if local and is_of(container.pid, container.id):
        listeners = procfs.listeners_of(container.pid)
        return None if listeners is None else ports.sockets_of(listeners)
    project = project_name(f"ports-{secrets.token_hex(4)}")
    argv = helper_argv(container.id, run, project)
    try:
        done = pulse.run(argv, timeout_s=HELPER_LIMIT_S)
    except BaseException as error:  # the command is ended, but not what it has started
        with suppress(ProcessFailure):
            pulse.run(docker_files.remove_argv(f"{project}-helper"), check=False)
        if isinstance(error, ProcessFailure):
            return None
        raise
    return ports.sockets_of(procfs.parse_listeners(done.stdout))


def helper_argv(container: str, run: str, project: str) -> tuple[str, ...]:
    """Return the command that prints the sockets of a container's network namespace.

    The helper has a ``project`` of its own: the run's has only containers that Compose made.
    """
    return pulse.container_argv(
        GENERATOR,
        *("-c", "cat /proc/net/tcp; cat /proc/net/tcp6 2>/dev/null || true"),
        entrypoint="sh",
        name=f"{project}-helper",
        labels=labels_of(project, run),
        network=f"container:{container}",
        interactive=False,
    )


def is_of(pid: int, container: str) -> bool:
    """Tell whether a process of this machine is the container's own."""
    try:
        return container in (PROC / f"{pid}/cgroup").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def wait_for_port(
    container: Callable[[], Container],
    wanted: Wanted,
    *,
    sockets: Look,
    ask: Callable[[Sequence[str]], Sequence[int | None]],
    log: Callable[[Container], str],
) -> tuple[int, str | None]:
    """Return the port that a replica is reached on, and a note if it is not the expected one.

    Raises :class:`ReplicaEnded` if it ends, and :class:`EnvironmentFailure` if nothing that others
    reach listens in it.
    """
    waiting = _Waiting(wanted)

    def found() -> bool:
        present = container()
        if not present.running:
            raise ReplicaEnded(ended(present, log(present)), present)
        seen = sockets(present)
        if seen is not None and waiting.see(seen):
            waiting.choose(present.address, ask)
        if seen is not None and waiting.loopback_s > LOOPBACK_LIMIT_S:
            raise EnvironmentFailure(
                f"Replica {member_name(present)} {ports.only_loopback(seen)}.{end_of(log(present))}"
            )
        return waiting.port is not None

    def failure() -> str:
        present = container()
        text = log(present)
        remedy = remedies.of_no_answer(text) or waiting.remedy()
        return (
            f"Replica {member_name(present)} {waiting.complaint()} {wanted.limit_s:g} s after its"
            f" start.{remedy}{repeats(text)}{end_of(text)}"
        )

    proc.wait_until(found, limit_s=wanted.limit_s, failure=failure)
    assert waiting.port is not None
    return waiting.port, waiting.note


class _Waiting:
    """What has been seen of one replica's sockets so far."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._sockets = Sockets(ports=(), loopback=())
        self._changed_s = proc.monotonic_s()
        self._loopback_since_s: float | None = None
        self._asked: tuple[int, ...] = ()
        self._asked_s = 0.0
        self.port: int | None = None
        self.note: str | None = None

    @property
    def loopback_s(self) -> float:
        """Seconds for which there have been sockets, all on loopback addresses."""
        since_s = self._loopback_since_s
        return 0.0 if since_s is None else proc.monotonic_s() - since_s

    def see(self, sockets: Sockets) -> bool:
        """Take note of the present sockets; tell whether they have been the same for a while."""
        now_s = proc.monotonic_s()
        if sockets != self._sockets:
            self._sockets, self._changed_s = sockets, now_s
        if sockets.ports or not sockets.loopback:
            self._loopback_since_s = None
        elif self._loopback_since_s is None:
            self._loopback_since_s = now_s
        asked = self._wanted.asked
        if asked is not None:
            return asked in sockets.ports
        return bool(sockets.ports) and now_s - self._changed_s >= SETTLED_S

    def choose(self, address: str, ask: Callable[[Sequence[str]], Sequence[int | None]]) -> None:
        """Choose among the present ports: the user's, or one that answers over HTTP, if any."""
        wanted, open_ports = self._wanted, self._sockets.ports
        if wanted.asked is not None:
            self.port = wanted.asked
            return
        if open_ports == self._asked and proc.monotonic_s() - self._asked_s < ASK_AGAIN_S:
            return
        candidates = ports.in_order(open_ports, wanted.declared)
        answers = ask([f"http://{address}:{port}{wanted.path}" for port in candidates])
        self._asked, self._asked_s = open_ports, proc.monotonic_s()
        self.port = ports.answering(candidates, answers, wanted.declared)
        if self.port is not None:
            others = [port for port in open_ports if port != self.port]
            self.note = ports.note_on(self.port, wanted.declared, others)

    def complaint(self) -> str:
        """Return what is wrong with what listens at the limit."""
        asked = self._wanted.asked
        if asked is not None:
            return f"does not listen on port {asked}, which was asked for, but on {self._sockets},"
        if len(self._sockets.ports) > 1:
            return f"listens on {self._sockets}, and none answers {self._wanted.path} over HTTP"
        if self._sockets.ports:
            return f"listens on {self._sockets}, and does not answer {self._wanted.path} over HTTP"
        return f"listens on {self._sockets}"

    def remedy(self) -> str:
        """Return what the sockets themselves say about why no port answers, or nothing."""
        return "" if self._wanted.asked is not None else ports.perhaps_only_ipv6(self._sockets)


def ask_from(generator: str) -> Callable[[Sequence[str]], Sequence[int | None]]:
    """Return a function that asks URLs from the generator's container, and returns the statuses."""

    def ask(urls: Sequence[str]) -> Sequence[int | None]:
        argv = docker.exec_argv(generator, "python", "-c", ASK, *urls)
        try:
            answers: list[int | None] = json.loads(proc.run(argv, timeout_s=ASK_LIMIT_S).stdout)
        except (ProcessFailure, ValueError):
            return [None] * len(urls)
        return answers

    return ask
