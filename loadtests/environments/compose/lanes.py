"""A stack with many starts of several versions, in independent lanes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from loadtests.environments.compose.containers import (
    LOG_LINES,
    ContainerStack,
    ask_implementation,
)
from loadtests.environments.compose.projects import KEEP_RUNNING, Project
from loadtests.environments.counters import member_name
from loadtests.environments.shared import cpu_periods, remedies
from loadtests.environments.wait_idle import wait_until_quiet
from loadtests.model.plan import Upstream
from loadtests.model.stack import Replica
from loadtests.model.vocabulary import Role

LANES = "abcd"
"""Names of the lanes in gate.yaml; only starts of the same lane share resources."""


class LaneStack(ContainerStack):
    """A stack that begins without starts.

    ``ports`` are the ports of the versions by name. The starts run on ``lane_cores``, one lane per
    core, and all other services on ``service_cores``.
    """

    _asks_python = True
    """Whether the starts' image has the sample application's interpreter."""

    def __init__(
        self,
        project: Project,
        root: Path,
        folder: Path,
        *,
        ports: Mapping[str, int],
        lane_cores: Sequence[int],
        service_cores: Sequence[int],
        replica_cpus: float,
    ) -> None:
        super().__init__(
            project,
            root,
            folder,
            cores=tuple({*lane_cores, *service_cores}),
            metronome_cores=lane_cores,
        )
        self._ports = ports
        self._lane_cores = tuple(lane_cores)
        self._replica_cpus = replica_cpus
        self._held: set[str] = set()
        self._implementations: dict[str, str | None] = {}

    @property
    def host_cores(self) -> tuple[int, ...]:
        """The cores of the lanes, or none if the engine is on another machine."""
        return self._lane_cores if self._local else ()

    def _implementation_of(self, member: str, rows: Sequence[Sequence[str]]) -> str | None:
        """Return what a start's Python calls itself; versions may differ."""
        if not self._asks_python:
            return super()._implementation_of(member, rows)
        if member not in self._implementations:
            self._implementations[member] = ask_implementation(self._containers[member].id)
        return self._implementations[member]

    def grow(self, count: int) -> None:
        """Bring up to at least ``count`` starts of each version, and the services."""
        in_lane = math.ceil(count / len(self._lane_cores))
        scale = {service: in_lane for version in self._ports for service in self._services(version)}
        services = (*scale, Role.PROXY, Role.GENERATOR, Role.METRONOME)
        self._project.up(services, scale, KEEP_RUNNING)
        self._read_containers()
        self.replicas = tuple(start for version in self._ports for start in self._in_turn(version))

    def _services(self, version: str) -> tuple[str, ...]:
        """Return the services of a version, one per lane."""
        return tuple(f"{version}-{lane}" for lane in LANES[: len(self._lane_cores)])

    def _in_turn(self, version: str) -> list[Replica]:
        """Return a version's starts in order: the first of each lane, then the second of each."""
        lanes = [
            sorted(
                (container.number, name, container)
                for name, container in self._containers.items()
                if container.service == service
            )
            for service in self._services(version)
        ]
        in_turn = (container for row in zip(*lanes, strict=True) for container in row)
        return [
            Replica(
                name=name,
                worker=version,
                number=number,
                address=f"{container.address}:{self._ports[version]}",
                identity=container.id[:12],
            )
            for number, (_, name, container) in enumerate(in_turn, start=1)
        ]

    def hold(self) -> None:
        """Wait until the new starts are idle, then apply their CPU budgets.

        Each is bound to its lane's core. Those of one number, one of each version, take turns.
        """
        fresh = [start for start in self.replicas if start.name not in self._held]
        self._wait_idle([start.name for start in fresh])
        for lane, core in enumerate(self._lane_cores):
            names = [start.name for start in fresh if self._lane_of(start) == lane]
            self._hold(names, cpus=self._replica_cpus, cores=(core,))
        self._held.update(start.name for start in fresh)
        numbers = sorted({start.number for start in fresh})
        self.take_turns(
            [[start for start in fresh if start.number == number] for number in numbers]
        )

    def _wait_idle(self, starts: Sequence[str]) -> None:
        wait_until_quiet(starts, self.read)

    def _lane_of(self, start: Replica) -> int:
        return (start.number - 1) % len(self._lane_cores)

    def allow(self, starts: Sequence[str], cpus: float) -> None:
        """Give running starts another CPU budget."""
        self._hold(starts, cpus=cpus, cores=())

    def take_turns(self, sets: Sequence[Sequence[Replica]]) -> None:
        """Let the CPU periods of each set's starts begin in turn, where this user may set them."""
        if self._local:
            names = [[start.name for start in starts] for starts in sets]
            cpu_periods.spread(names, self._group)

    def configure_proxy(self, upstreams: Sequence[Upstream]) -> None:
        """Configure and start the proxy; possible once per stack."""
        self._start_proxy(self._proxy_config(upstreams))

    def needed_by(self, version: str) -> tuple[str, ...]:
        """Return the members that a version needs beside its starts: none."""
        del version
        return ()

    def ended(self) -> str | None:
        """Return an error message if a start has exited by itself, or None."""
        for container in self._engine.containers(self._project.name):
            version = container.service.rpartition("-")[0]
            if version in self._ports and not container.running:
                why = (
                    "out of memory"
                    if container.out_of_memory
                    else f"with code {container.exit_code}"
                )
                log = self._engine.log(container.id, lines=LOG_LINES)
                return (
                    f"A start of {version} ({member_name(container)}) exited {why} before it"
                    f" answered.{remedies.of_an_end(log)} The end of its log:\n{log}"
                )
        return None
