"""The user's own proxy before replicas that are added while it runs, as Compose's ``--scale`` does.

It stands where our proxy stands otherwise. It finds the replicas by the name of their service, in a
network in which only the replicas of the present cell have that name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from loadtests.analysis.rules import front_share
from loadtests.environments.compose.containers import parse_processes
from loadtests.environments.compose.projects import Project
from loadtests.environments.compose.stack import ComposeStack
from loadtests.environments.compose.tested.document import FRONT_NETWORK
from loadtests.environments.compose.tested.subject import Part
from loadtests.model.errors import ProcessFailure
from loadtests.model.plan import Plan, TrialSpec, Upstream
from loadtests.model.tested.front import Front
from loadtests.model.vocabulary import Role
from loadtests.planning.budget import service_parts
from loadtests.tools import docker, nginx, proc
from loadtests.tools.docker import networks

SETTLE_S = 1.0
"""Seconds after a change of the replicas, where the proxy does not look names up again."""

MOST_SETTLE_S = 35.0
"""A proxy that looks names up more rarely than this is measured as it is."""

CONFIG_LIMIT_S = 10.0

_SET_ASIDE = re.compile(r"upstream server temporarily disabled")
_FAILED = re.compile(
    r"while (?:reading response header from|connecting to|sending request to) upstream"
)


class FrontStack(ComposeStack):
    """A run's stack behind the user's proxy; the replicas of a cell are the first ones, in turn."""

    def __init__(
        self,
        project: Project,
        plan: Plan,
        folder: Path,
        root: Path,
        *,
        ports: dict[str, int],
        notes: Sequence[str],
        part: Part,
        names: Sequence[str],
        port: int,
    ) -> None:
        """``part`` is the proxy, ``names`` are the replicas' in its network, ``port`` its own."""
        super().__init__(project, plan, folder, root, ports=ports, notes=notes)
        self.front_port = port
        self._names = tuple(names)
        self._network = network_of(project)
        self._connected = {self.replicas[0].name}
        self._front = self._seen(part.name)

    @property
    def status_url(self) -> str | None:
        """None: the user's proxy need not tell its counters."""
        return None

    def look_at_front(self) -> Front:
        """Return what was seen of the user's proxy, with what its log tells by now."""
        log = self._engine.log(self._containers[Role.PROXY].id)
        return replace(self._front, failures=failures_in(log))

    @property
    def foreseen(self) -> str | None:
        """Why replicas will get unequal shares, by the proxy's configuration; None if unknown."""
        return front_share.foreseen(self._front)

    def _seen(self, service: str) -> Front:
        argv = docker.exec_argv(self._containers[Role.PROXY].id, "nginx", "-T")
        with suppress(ProcessFailure):
            done = proc.run(argv, check=False, timeout_s=CONFIG_LIMIT_S)
            if done.code == 0:
                return nginx.seen_of(
                    service,
                    done.stdout,
                    self._names,
                    cores=self._cores_of_front(),
                    running=self._workers_of_front(),
                )
        return Front(service=service)

    def _cores_of_front(self) -> int:
        """Return on how many CPUs the proxy may run: those that it is pinned to, or all."""
        _, pinned = service_parts(self._plan.budget.service_cores)
        return len(pinned) or int(self._engine.facts()["NCPU"])

    def _workers_of_front(self) -> int:
        """Return its worker processes; 0 if the engine lists none.

        With musl, as in nginx:alpine, ``worker_processes auto`` counts the CPUs that it is pinned
        to; with glibc it counts all of the machine.
        """
        rows = self._engine.processes(self._containers[Role.PROXY].id)
        return nginx.workers_among(process.command for process in parse_processes(rows))

    def configure_proxy(self, upstreams: Sequence[Upstream]) -> None:  # noqa: ARG002  not ours
        """Wait until the replicas are idle, and apply the CPU budgets."""
        self._settle_and_hold()

    def activate(self, spec: TrialSpec) -> None:
        """Give the replicas of a trial, and no others, the name by which the proxy finds them."""
        wanted = {f"{spec.cell.worker}-{number}" for number in spec.members}
        if wanted == self._connected:
            return
        for name in sorted(wanted - self._connected):
            connect(self._network, self._containers[name].id, self._names)
        for name in sorted(self._connected - wanted):
            proc.run(networks.disconnect_argv(self._network, self._containers[name].id))
        self._connected = wanted
        again_s = self._front.looks_again_s
        proc.sleep(SETTLE_S if again_s is None else min(MOST_SETTLE_S, again_s + SETTLE_S))


def failures_in(log: str) -> int:
    """Return how often nginx put a replica aside, by its log; without that level, its failures."""
    return len(_SET_ASIDE.findall(log)) or len(_FAILED.findall(log))


def network_of(project: Project) -> str:
    """Return the network in which the proxy looks for the replicas."""
    return f"{project.name}_{FRONT_NETWORK}"


def connect(network: str, container: str, names: Sequence[str]) -> None:
    """Give a running replica its names in the proxy's network."""
    proc.run(networks.connect_argv(network, container, names))
