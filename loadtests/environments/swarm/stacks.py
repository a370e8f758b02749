"""Stacks of services on a Swarm: their names, start, logs and removal."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from loadtests.environments.compose.projects import machine_mark, may_live
from loadtests.environments.counters import SPOKEN_TO, member_name
from loadtests.environments.guards import watching
from loadtests.environments.guards.watching import Guard
from loadtests.environments.protocol import Say
from loadtests.environments.removal import Remains
from loadtests.environments.swarm import watchdog
from loadtests.environments.swarm.nodes import Cluster, manager_address
from loadtests.model.errors import EnvironmentFailure, ProcessFailure
from loadtests.model.machine import Node
from loadtests.tools import docker, proc, signals
from loadtests.tools.docker import images, variables
from loadtests.tools.docker.swarm import (
    NodeEngine,
    ServiceOrder,
    create_argv,
    network_argv,
)

NAME = re.compile(r"twfs-[0-9a-f]{8}-(?P<machine>[0-9a-f]{8})-(?P<pid>\d+)")
"""Form of :func:`stack_name`; it is short, since names of services are names of hosts."""

CREATE_LIMIT_S = 60.0
RUNNING_LIMIT_S = 120.0
"""Seconds until the Swarm has started all tasks; a node may be slow to join the network."""

GONE_LIMIT_S = 60.0
PATIENCE_S = 8.0
"""How long nodes may take to remove containers themselves, after which it is done for them."""

LOGS_LIMIT_S = 15.0
LOG_LINES = 20

ENDED = frozenset({"complete", "failed", "rejected", "shutdown", "orphaned", "remove"})
"""States of a task that will not run any more (Docker's "How swarm mode works: tasks")."""

AGAIN_S = 0.3


def stack_name(run: str) -> str:
    """Return the name of a run's stack, with this machine and process."""
    return f"twfs-{zlib.crc32(run.encode()):08x}-{machine_mark()}-{os.getpid()}"


@dataclass(frozen=True, kw_only=True)
class ServiceStack:
    """The services of one run on a Swarm."""

    cluster: Cluster
    name: str

    def create_network(self, name: str, *, labels: Mapping[str, str], encrypted: bool) -> None:
        """Make the stack's network."""
        argv = network_argv(
            name, labels=labels, encrypted=encrypted, host=self.cluster.manager.host
        )
        self._run(argv, what="the network", env={})

    def create(self, orders: Iterable[ServiceOrder]) -> None:
        """Make services; :meth:`wait_running` waits for their tasks."""
        for order in orders:
            with variables.carried(order.env) as ways:
                argv = create_argv(order, host=self.cluster.manager.host, ways=ways)
                self._run(argv, what=f"the service {order.name}", env=ways.env)

    def _run(self, argv: Sequence[str], *, what: str, env: Mapping[str, str]) -> None:
        try:
            with images.values_hidden(argv):
                proc.run(argv, env=env, timeout_s=CREATE_LIMIT_S)
        except ProcessFailure as error:
            raise EnvironmentFailure(
                f"The Swarm did not make {what}: {error.output.strip() or error}"
            ) from error

    def containers(self) -> dict[str, tuple[Node, docker.Container]]:
        """Return the containers on all nodes that answer, by their names in the stack."""
        found = {}
        for node in self.cluster.nodes:
            with suppress(EnvironmentFailure):
                for container in self.cluster.engine_of(node).containers(self.name):
                    found[member_name(container)] = (node, container)
        return found

    def wait_running(self, orders: Sequence[ServiceOrder]) -> None:
        """Wait until the task of each service runs; raise with what the Swarm says of one."""
        names = [order.name for order in orders]

        def all_run() -> bool:
            tasks = {task.service: task for task in self.cluster.manager.tasks(self.name)}
            for name in names:
                task = tasks.get(name)
                if task is not None and task.state in ENDED:
                    raise EnvironmentFailure(
                        f"The task of {name} is {task.state}: {task.error or 'no reason given'}."
                        f"{self._end_of_log(task.node, task.container)}"
                    )
            return all(name in tasks and tasks[name].state == "running" for name in names)

        proc.wait_until(
            all_run,
            limit_s=RUNNING_LIMIT_S,
            every_s=AGAIN_S,
            failure=lambda: self._not_running(names),
        )

    def _not_running(self, names: Sequence[str]) -> str:
        tasks = {task.service: task for task in self.cluster.manager.tasks(self.name)}
        waiting = [name for name in names if name not in tasks or tasks[name].state != "running"]
        task = tasks.get(waiting[0]) if waiting else None
        state = f"{task.state} {task.error}".strip() if task else "not there"
        return (
            f"The Swarm did not run {len(waiting)} of {len(names)} services in"
            f" {RUNNING_LIMIT_S:g} s. The first is {waiting[0] if waiting else '?'}: {state}. Look:"
            " docker node ls."
        )

    def _end_of_log(self, node: str, container: str) -> str:
        engine = self.cluster.engines.get(node)
        if engine is None or not container:
            return ""
        return f" The end of its log:\n{engine.log(container, lines=LOG_LINES)}"

    def remove_service(self, order: ServiceOrder) -> None:
        """Remove one service of the stack."""
        argv = docker.command_lines.docker_argv(
            self.cluster.manager.host, "service", "rm", order.name
        )
        proc.run(argv, timeout_s=CREATE_LIMIT_S, check=False)

    def save_logs(self, folder: Path) -> None:
        """Save the logs if possible; a full disk must not prevent taking the stack down."""
        deadline_s = proc.monotonic_s() + LOGS_LIMIT_S
        with suppress(OSError, EnvironmentFailure):
            folder.mkdir(parents=True, exist_ok=True)
            for name, (node, container) in self.containers().items():
                if proc.monotonic_s() > deadline_s:
                    return
                # The program inside writes a log of its own under the plain name.
                suffix = "-container" if name in SPOKEN_TO else ""
                log = self.cluster.engine_of(node).log(container.id)
                (folder / f"{name}{suffix}.log").write_text(log, encoding="utf-8")


@contextmanager
def opened(stack: ServiceStack, folder: Path, say: Say) -> Iterator[ServiceStack]:
    """Provide a stack; always save its logs into ``folder`` and take it down at the end.

    A watchdog takes it down if this process ends before, or if the manager does not answer.
    """
    logs = folder / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / "watchdog.log"
    engines = [str(engine.host) for engine in stack.cluster.engines.values()]
    guard = Guard(watching.start(watchdog.__name__, (stack.name, *engines), log=log), log)
    try:
        yield stack
    finally:
        with signals.shield():
            try:
                say("Taking the stack down")
            finally:
                try:
                    _save_and_remove(stack, logs, guard, say)
                finally:
                    guard.close()


def _save_and_remove(stack: ServiceStack, logs: Path, guard: Guard, say: Say) -> None:
    try:
        stack.save_logs(logs)
        take_down(stack.cluster.manager, stack.cluster.engines, stack.name, say)
    except EnvironmentFailure as failure:
        raise EnvironmentFailure(
            f"{failure} A watchdog goes on trying to remove it; its log: {guard.log}"
        ) from failure
    guard.note_gone()


def take_down(manager: NodeEngine, engines: Mapping[str, NodeEngine], stack: str, say: Say) -> None:
    """Remove everything of a stack, and wait until it is gone from all nodes that answer."""
    started_s = proc.monotonic_s()
    refused: list[str] = []

    def gone() -> bool:
        refused.clear()
        force = proc.monotonic_s() - started_s > PATIENCE_S
        return watchdog.removed(manager, tuple(engines.values()), stack, refused.append, force)

    proc.wait_until(
        gone,
        limit_s=GONE_LIMIT_S,
        every_s=AGAIN_S,
        failure=lambda: (
            f"Parts of the stack {stack} are still there. {' '.join(refused)} Run `twofold down`."
        ),
    )
    silent = [str(engine.host) for engine in engines.values() if not engine.alive()]
    if silent:
        say(
            f"The engine at {', '.join(silent)} does not answer. Its containers of this run go when"
            " its node is back in the Swarm."
        )


@contextmanager
def manager_if_any() -> Iterator[NodeEngine | None]:
    """Provide the manager that the environment names, or None if that engine is none.

    Raises :class:`EnvironmentFailure` for an engine that does not answer.
    """
    try:
        engine = NodeEngine(manager_address())
    except docker.NoEngine:
        yield None
        return
    with closing(engine):
        yield engine if engine.swarm().get("ControlAvailable") else None


def remains(manager: NodeEngine, engines: Mapping[str, NodeEngine]) -> tuple[Remains, ...]:
    """Return what runs have left on a Swarm, and whether each run may still be active.

    ``engines`` are those of the nodes, where they are known. Without them, the nodes remove the
    containers of removed services themselves.
    """
    reached = dict(engines) or {"manager": manager}
    return tuple(
        Remains(
            name=stack,
            living=may_live(match, owner),
            remove=partial(take_down, manager, reached, stack, lambda _: None),
        )
        for stack, owner in manager.stacks().items()
        if (match := NAME.fullmatch(stack))
    )
