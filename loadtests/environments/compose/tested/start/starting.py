"""Starts the user's services in order: what the replicas need, then the replicas."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from loadtests.environments.compose.projects import (
    KEEP_RUNNING,
    UP_SILENCE_S,
    Project,
    take_down,
)
from loadtests.environments.compose.tested.document import FRONT_NETWORK
from loadtests.environments.compose.tested.start import listening
from loadtests.environments.compose.tested.start.endings import (
    LINES,
    ReplicaEnded,
    end_of,
    ended,
    repeats,
)
from loadtests.environments.compose.tested.start.listening import Wanted
from loadtests.environments.compose.tested.start.ports import Sockets
from loadtests.environments.compose.tested.subject import NO_RESTART, Part, Subject
from loadtests.environments.protocol import Say
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.vocabulary import Role
from loadtests.tools import docker, proc
from loadtests.tools.docker import Container, networks

NEEDS_LIMIT_S = 120.0
"""Seconds that a service of the replicas may take; a longer start limit holds for it, too."""

STEADY_S = 3.0
"""Seconds that a service which is started again after an error has to run before it counts."""

SERVICES = (Role.PROXY, Role.GENERATOR, Role.METRONOME)

IN_TURN_NOTE = (
    "Replicas that started at the same time ended with an error, so they were started one after"
    " another. Look for what only one of them may do, such as a migration."
)


@dataclass(kw_only=True)
class Starting:
    """The start of a subject's services in a project; ``workers`` are our services of replicas."""

    project: Project
    subject: Subject
    workers: Sequence[str]
    replicas: int
    wanted: Wanted
    run: str
    say: Say
    local: bool
    notes: list[str] = field(default_factory=list)
    front_port: int | None = None
    """The port of the user's own proxy, once it listens."""
    _seen_s: dict[tuple[str, str], float] = field(default_factory=dict)
    """When each start of a needed service was first seen."""

    def start(self) -> dict[str, int]:
        """Start everything, and return the port of each worker model's replicas.

        Where replicas that share a store end with an error, all is started a second time, the
        replicas one after another.
        """
        self.start_needs()
        try:
            self._up(self.replicas)
            ports = self.find_ports()
        except ReplicaEnded as error:
            if not (error.may_be_a_race and self.subject.shares_state and self.replicas > 1):
                raise
            self.say(f"{str(error).splitlines()[0]} Starting the replicas one after another")
            ports = self._start_in_turn()
        self.say("Starting the proxy and the generator")
        front = self.subject.front
        services = [name for name in SERVICES if front is None or name != Role.PROXY]
        self.project.up(services, options=KEEP_RUNNING)
        if front is not None:
            self._start_front(front)
        return ports

    def _start_front(self, front: Part) -> None:
        """Start the user's proxy while one replica has the service's name, and find its port.

        Further replicas get the name while it runs, as when a service is scaled.
        """
        network = f"{self.project.name}_{FRONT_NETWORK}"
        names = self.subject.measured.hosts
        self.project.up((front.service,), start=False)
        proc.run(networks.connect_argv(network, self._first(self.workers[0]).id, names))
        self.project.up((front.service,), options=KEEP_RUNNING)
        image = self.project.engine.image(front.image)
        declared = (*front.ports, *(image.ports if image is not None else ()))
        self.front_port, _ = listening.wait_for_port(
            partial(self._container, front),
            replace(self.wanted, asked=None, declared=tuple(sorted({*declared}))),
            sockets=self._look,
            ask=self._ask,
            log=self._log,
        )

    def _start_in_turn(self) -> dict[str, int]:
        take_down(self.project, self.say)
        self.start_needs()
        ports: dict[str, int] = {}
        for number in range(1, self.replicas + 1):
            self._up(number)
            ports = self.find_ports()
        self.notes.append(IN_TURN_NOTE)
        return ports

    def _up(self, number: int) -> None:
        """Bring up to this number of replicas of each worker model."""
        self.say(f"Starting {number * len(self.workers)} replicas")
        self.project.up(self.workers, dict.fromkeys(self.workers, number), KEEP_RUNNING)

    # -- what the replicas need -------------------------------------------------------------------

    def start_needs(self) -> None:
        """Start what the replicas need, and wait until it is ready: a store has to listen.

        Stores are ready before the others start, for a migration may ask them at once. Nothing is
        started again by itself afterwards: a store that fails under load has to be seen.
        """
        needs = self.subject.needs
        for parts in in_turn(needs):
            self._start_parts(parts)
        retrying = [part for part in needs if part.restart != NO_RESTART]
        if retrying:
            proc.run(docker.no_restart_argv([self._container(part).id for part in retrying]))

    def _start_parts(self, parts: Sequence[Part]) -> None:
        self.say(f"Starting {', '.join(part.name for part in parts)}")
        waits = any(part.waits for part in self.subject.needs)
        try:
            self.project.up(
                [part.service for part in parts],
                options=KEEP_RUNNING,
                silence_limit_s=self._needs_limit_s if waits else UP_SILENCE_S,
            )
        except EnvironmentFailure as error:
            raise EnvironmentFailure(f"{error}{self._logs_of_failed()}") from error
        for part in parts:
            proc.wait_until(
                partial(self._is_ready, part),
                limit_s=self._needs_limit_s,
                failure=partial(self._not_ready, part),
            )

    @property
    def _needs_limit_s(self) -> float:
        return max(NEEDS_LIMIT_S, self.wanted.limit_s)

    def _is_ready(self, part: Part) -> bool:
        """Tell whether a needed service is ready; raise if it has ended with an error."""
        container = self._container(part)
        if container.restarting:
            return False
        if not container.running:
            if container.exit_code == 0:
                return True
            raise EnvironmentFailure(
                ended(container, self._log(container), what="The service") + self._hint()
            )
        if part.has_to_end:
            return False
        if container.health:
            return container.health == "healthy"
        if part.is_store:
            sockets = self._look(container)
            return bool(sockets and sockets.ports)
        return part.restart == NO_RESTART or self._is_steady(container)

    def _is_steady(self, container: Container) -> bool:
        """Tell whether a container that may be started again has run for a while."""
        now_s = proc.monotonic_s()
        return now_s - self._seen_s.setdefault((container.id, container.started_at), now_s) > (
            STEADY_S
        )

    def _not_ready(self, part: Part) -> str:
        container = self._container(part)
        log = self._log(container)
        what = "has not ended" if part.has_to_end else "is not ready"
        advice = " Raise --start-limit if it needs longer."
        if container.restarting:
            what, advice = f"still fails (exit code {container.exit_code})", ""
        health = f" (its HEALTHCHECK says {container.health})" if container.health else ""
        return (
            f"The service {part.name}, which the replicas need, {what}{health}"
            f" {self._needs_limit_s:g} s after its start.{advice}{repeats(log)}{end_of(log)}"
        )

    def _container(self, part: Part) -> Container:
        for container in self.project.containers().values():
            if container.service == part.service:
                return container
        raise EnvironmentFailure(f"Compose started no container of the service {part.name}.")

    def _logs_of_failed(self) -> str:
        """Return what the needed services that failed say, for Compose does not tell it."""
        said = []
        for container in self.project.containers().values():
            if not container.member:
                continue
            log = self._log(container)
            if container.restarting or (not container.running and container.exit_code != 0):
                said.append(f"\n{ended(container, log, what='The service')}")
            elif container.health == "unhealthy":
                said.append(f"\nThe service {container.member} is unhealthy.{end_of(log)}")
        return "".join(said)

    # -- the replicas -----------------------------------------------------------------------------

    def start_first(self) -> None:
        """Start one replica alone: it may do what only one may do, such as a migration."""
        first = self.workers[0]
        self.project.up((first,), {first: 1}, KEEP_RUNNING)

    def wait_for_first(self) -> None:
        """Wait until the replica of :meth:`start_first` answers over HTTP.

        One that only listens may still import its application, which may create tables.
        """
        first = self.workers[0]
        port = self.find_ports((first,))[first]

        def answers() -> bool:
            url = f"http://{self._first(first).address}:{port}{self.wanted.path}"
            return self._ask([url])[0] is not None

        proc.wait_until(
            answers,
            limit_s=self.wanted.limit_s,
            failure=lambda: (
                f"The first replica of {first} listens on port {port}, and did not answer"
                f" {self.wanted.path} over HTTP in {self.wanted.limit_s:g} s. Raise --start-limit"
                f" if it needs longer.{end_of(self._log(self._first(first)))}"
            ),
        )

    def find_ports(self, workers: Sequence[str] = ()) -> dict[str, int]:
        """Return the port of each of these worker models, once all its replicas listen on it.

        Without ``workers``, it is that of all.
        """
        ports = {}
        for worker in workers or self.workers:
            port, note = listening.wait_for_port(
                partial(self._first, worker),
                self.wanted,
                sockets=self._look,
                ask=self._ask,
                log=self._log,
            )
            if note is not None and note not in self.notes:
                self.notes.append(note)
            proc.wait_until(
                partial(self._all_listen, worker, port),
                limit_s=self.wanted.limit_s,
                failure=f"Not all replicas of {worker} listen on port {port}"
                f" {self.wanted.limit_s:g} s after the first. Their logs are in logs/.",
            )
            ports[worker] = port
        return ports

    def _ask(self, urls: Sequence[str]) -> Sequence[int | None]:
        """Ask URLs from the generator's container, which is started for that if need be."""
        if Role.GENERATOR not in self.project.containers():
            self.project.up((Role.GENERATOR,))
        return listening.ask_from(self.project.containers()[Role.GENERATOR].id)(urls)

    def _first(self, worker: str) -> Container:
        return self._replicas(worker)[0]

    def _replicas(self, worker: str) -> list[Container]:
        """Return the running replicas of a worker model; raise if one has ended."""
        replicas = [
            container
            for container in self.project.containers().values()
            if container.service == worker
        ]
        if not replicas:
            raise EnvironmentFailure(f"Compose started no replica of {worker}.")
        for container in replicas:
            if not container.running:
                log = self._log(container)
                raise ReplicaEnded(ended(container, log) + self._hint(log), container)
        return replicas

    def _all_listen(self, worker: str, port: int) -> bool:
        seen = [self._look(container) for container in self._replicas(worker)]
        return all(one is not None and port in one.ports for one in seen)

    # -- helpers ----------------------------------------------------------------------------------

    def _look(self, container: Container) -> Sockets | None:
        return listening.look(container, local=self.local, run=self.run)

    def _log(self, container: Container) -> str:
        return self.project.engine.log(container.id, lines=LINES)

    def _hint(self, log: str = "") -> str:
        """Return what may be missing: a service that the log names, or variables without values."""
        hints = [
            f"\nIt looks for {name}, a service that was not started, since nothing says that"
            f" {self.subject.measured.name} needs it. Say so by depends_on."
            for name in self.subject.others
            if _looks_for(name, log)
        ]
        if self.subject.unset:
            hints.append(f"\nVariables without a value: {', '.join(self.subject.unset)}.")
        return "".join(hints)


def in_turn(needs: Sequence[Part]) -> tuple[tuple[Part, ...], ...]:
    """Return needed services in the order of their start: the stores, then the others.

    All are one group where a store needs one of the others, which Compose would start twice.
    """
    stores = tuple(part for part in needs if part.is_store and not part.has_to_end)
    services = {part.service for part in stores}
    if any(part.definition.get("depends_on", {}).keys() - services for part in stores):
        return (tuple(needs),)
    others = tuple(part for part in needs if part not in stores)
    return tuple(group for group in (stores, others) if group)


_UNRESOLVED = re.compile(
    r"could not translate host name|name or service not known|name resolution|getaddrinfo"
    r"|no such host|unknown host|name does not resolve|nodename nor servname",
    re.IGNORECASE,
)


def _looks_for(name: str, log: str) -> bool:
    """Tell whether a log says that a host name is not known, and names that host."""
    word = re.compile(rf"(?<![\w./-]){re.escape(name)}(?![\w./-])")
    return any(_UNRESOLVED.search(line) for line in log.splitlines()) and bool(word.search(log))
