"""The running stack of a run on a Swarm."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property, partial
from pathlib import Path

from loadtests.environments import idle_control
from loadtests.environments.child_python import module_argv, python_path
from loadtests.environments.compose import further
from loadtests.environments.compose.containers import (
    LOG_LINES,
    STATUS_PORT,
    WRITE_CONFIG,
    SeenPythons,
    ask_implementation,
    last_lines,
    parse_processes,
    proxy_config,
)
from loadtests.environments.compose.files import joined
from loadtests.environments.compose.stack import QUIET_LIMIT_S, replicas_of
from loadtests.environments.counters import is_control
from loadtests.environments.protocol import FIRST_LOG_CHARS
from loadtests.environments.proxy_shell import ProxyShell
from loadtests.environments.shared import cpu_periods
from loadtests.environments.swarm.counters import SwarmCounters
from loadtests.environments.swarm.node_counters import At, NodeCounters, may_look
from loadtests.environments.swarm.nodes import groups_here, is_here, is_shown
from loadtests.environments.swarm.orders import Orders
from loadtests.environments.swarm.stacks import ServiceStack
from loadtests.environments.wait_idle import busy_after, wait_until_quiet
from loadtests.model.errors import ProcessFailure
from loadtests.model.machine import Node
from loadtests.model.plan import Plan, TrialSpec, Upstream
from loadtests.model.stack import HostReading, LogLines, NodesSeen, Reading, ReplicaState
from loadtests.model.tested.in_force import ServerProcess
from loadtests.model.vocabulary import Role, is_generator
from loadtests.planning.budget import cores_used, service_parts
from loadtests.planning.swarm_placement import is_one_machine
from loadtests.tools import docker, files, host, proc, procfs
from loadtests.tools.proc import Child

START_CPUS = 1.0
"""The CPU of a replica until its server has started. With a tenth, several processes of one server
would take longer to start than gunicorn waits for them."""


class SwarmStack:
    """The running containers on all nodes; see ``environments.protocol.Stack``."""

    periods_spread: bool | None = None

    def __init__(
        self, stack: ServiceStack, orders: Orders, plan: Plan, folder: Path, root: Path
    ) -> None:
        self._stack = stack
        self._orders = orders
        self._plan = plan
        self._folder = folder
        self._template = (root / "compose/nginx.conf.j2").read_text(encoding="utf-8")
        self._at = _without_ended_controls(stack.containers())
        self._generators = sorted(
            filter(is_generator, self._at), key=lambda name: (len(name), name)
        )
        self._counters = SwarmCounters(stack.cluster, stack.name, self._at)
        self._controls = idle_control.Watched(
            idle_control.workers_of(plan.workers, plan.tested), self._at.__contains__
        )
        every = may_look(plan.budget.replica_cpus, plan.timing.window_s)
        self._node_counters = NodeCounters(self._at, every_replica=every)
        self._loaded: frozenset[str] = frozenset()
        """The replicas of the trial that is measured."""
        nodes = stack.cluster.nodes
        self._pythons = SeenPythons()
        self._is_here = is_one_machine(nodes) and all(is_here(node.engine) for node in nodes)
        self._notes = list(self._counters.notes)
        self._proxy_shell = ProxyShell(partial(self._exec_argv, Role.PROXY), folder / "logs")
        self.replicas = replicas_of(
            {name: container for name, (_, container) in self._at.items()},
            plan,
            dict(orders.replica.ports),
        )
        self._hold([replica.name for replica in self.replicas], START_CPUS)
        self._hold_controls(START_CPUS)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was found, changed or added since the start."""
        return (*self._notes, *self._controls.notes)

    @property
    def proxy_host(self) -> str:
        """The proxy's address in the overlay network."""
        return self._container(Role.PROXY).address

    @property
    def status_url(self) -> str:
        """The URL of nginx's own counters."""
        return f"http://{self.proxy_host}:{STATUS_PORT}/status"

    @property
    def host_cores(self) -> tuple[int, ...]:
        """The cores of this machine that the run uses; none if a node is on another one."""
        return self._cores if self._is_here else ()

    @property
    def _cores(self) -> tuple[int, ...]:
        return cores_used(self._plan.budget) or host.usable_cores()

    # -- programs ---------------------------------------------------------------------------------

    def start_generator(self) -> Child:
        """Start the generator in its container.

        On several nodes, or on another machine, a program here asks it and compares the clocks.
        """
        processes = str(self._plan.generator_processes)
        if len(self._generators) == 1 and is_here(self._at[Role.GENERATOR][0].engine):
            return self._start(Role.GENERATOR, "loadtests.generator", "--processes", processes)
        places = []
        for member in self._generators:
            argv = self._exec_argv(member, "python", "-m", "loadtests.generator")
            places.append(json.dumps({"name": f"node {self._at[member][0].name}", "argv": argv}))
        argv = module_argv("loadtests.generator.team", "--processes", processes, *places)
        return Child(argv, log=self._log_file(Role.GENERATOR), env=python_path())

    def start_metronome(self) -> Child | None:
        """Start the CPU speed probe on the replicas' cores; None on several machines."""
        cores = self._plan.budget.replica_cores
        if not is_one_machine(self._stack.cluster.nodes) or not cores:
            return None
        return self._start(Role.METRONOME, "loadtests.generator.metronome", joined(cores))

    def _start(self, member: Role, module: str, *options: str) -> Child:
        argv = self._exec_argv(member, "python", "-m", module, *options)
        watch = docker.pulse.Watch(host=self._at[member][0].engine)
        return Child(argv, log=self._log_file(member), hopeless=watch.hopeless)

    def _log_file(self, member: Role) -> Path:
        logs = self._folder / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        return logs / f"{member}.log"

    def run_module(self, module: str, text: str) -> str:
        """Run a module of the generator's package in its container, and return its output."""
        argv = self._exec_argv(Role.GENERATOR, "python", "-m", module)
        return proc.run(argv, input_text=text).stdout

    def _exec_argv(self, member: str, *command: str) -> tuple[str, ...]:
        node, container = self._at[member]
        return docker.exec_argv(container.id, *command, host=node.engine)

    def activate(self, spec: TrialSpec) -> None:
        """Note which replicas a trial loads: all are up, and each cell has its own port."""
        self._loaded = frozenset(f"{spec.cell.worker}-{number}" for number in spec.members)

    # -- the proxy and the cores ------------------------------------------------------------------

    def configure_proxy(self, upstreams: Sequence[Upstream]) -> None:
        """Write the proxy's configuration, which starts it, and hold all to their CPU and cores.

        The replicas' limits are those of their services again, which were lifted for the start.
        """
        names = [replica.name for replica in self.replicas]
        stores = [Role.STORE.value] if Role.STORE in self._at else []
        if self._orders.replica.is_users:
            busy = busy_after([*names, *stores], self.read, limit_s=QUIET_LIMIT_S)
            if busy:
                self._notes.append(f"Use CPU without any request: {', '.join(busy)}.")
        else:
            wait_until_quiet([*names, *stores], self.read)
        self._hold(names, self._plan.budget.replica_cpus)
        if self._plan.budget.replica_cpus is not None:
            self.periods_spread = cpu_periods.spread_by_model(names, groups_here(self._at))
        self._pin(names, stores)
        self._hold_controls(self._plan.budget.replica_cpus, self._plan.budget.replica_cores)
        config = proxy_config(self._template, self.replicas, upstreams, listen_host=self.proxy_host)
        files.write(self._folder / "nginx.conf", config)
        proc.run(self._exec_argv(Role.PROXY, *WRITE_CONFIG), input_text=config)

    def end_proxy_worker(self, pid: int) -> None:
        """Let nginx's worker process end, by its id in the proxy's container."""
        self._proxy_shell.end(pid)

    def close(self) -> None:
        """End what runs in the containers beside their own programs."""
        self._proxy_shell.close()

    def _hold(self, names: Sequence[str], cpus: float | None) -> None:
        """Give replicas so much CPU, where their services have a limit."""
        if self._plan.budget.replica_cpus is None:
            return
        for node, ids in self._by_node(names).items():
            proc.run(docker.update_argv(ids, cpus=cpus, cores=(), host=node.engine))

    def _hold_controls(self, cpus: float | None, cores: Sequence[int] = ()) -> None:
        """Limit the idle controls as replicas are; a run goes on without them."""
        if self._plan.budget.replica_cpus is None:
            return
        with suppress(ProcessFailure):  # one has just ended
            for node, ids in self._by_node(self._controls.names()).items():
                proc.run(docker.update_argv(ids, cpus=cpus, cores=cores, host=node.engine))

    def _pin(self, replicas: Sequence[str], stores: Sequence[str]) -> None:
        """Pin members to cores, by their nodes' engines: a Swarm's services cannot be pinned."""
        budget = self._plan.budget
        generator, proxy = service_parts(budget.service_cores)
        for names, cores in (
            (replicas, budget.replica_cores),
            ([Role.METRONOME], budget.replica_cores),
            (self._generators, generator),
            ([Role.PROXY], proxy),
            (stores, budget.store_cores),
        ):
            for node, ids in self._by_node(names).items():
                if cores:
                    proc.run(docker.update_argv(ids, cpus=None, cores=cores, host=node.engine))

    def _by_node(self, names: Collection[str]) -> dict[Node, list[str]]:
        grouped: dict[Node, list[str]] = {}
        for name in names:
            node, container = self._at[name]
            grouped.setdefault(node, []).append(container.id)
        return grouped

    # -- counters and logs ------------------------------------------------------------------------

    def read(self, members: Collection[str]) -> tuple[Reading, ...]:
        """Return the present counters of these members; those of a silent node are left out.

        With the generator, those of all its nodes are read.
        """
        further = self._generators[1:] if Role.GENERATOR in members else ()
        return self._counters.read((*members, *further))

    def idle_controls(self) -> tuple[str, ...]:
        """Return the names of the idle controls that ran at the start.

        One that ends has no readings any more.
        """
        return self._controls.names()

    def look_at_nodes(self) -> NodesSeen:
        """Return the nodes' CPU and TCP's counters of this moment."""
        return self._node_counters.read(self._loaded)

    def read_host(self) -> HostReading | None:
        """Return the CPU counters of this machine, or None if a node is on another one."""
        return host.read_host(self._cores) if self._is_here else None

    def identities(self) -> Mapping[str, str]:
        """Return the identity of each member with its node, and whether each node answers."""
        return self._counters.identities()

    def log_of(self, member: str) -> str:
        """Return the end of a member's log."""
        if member not in self._at:
            return "(no container)"
        node, container = self._at[member]
        return self._stack.cluster.engine_of(node).log(container.id, lines=LOG_LINES)

    def log_lines(self, member: str) -> LogLines:
        """Return the last lines of a member's log, a great many."""
        if member not in self._at:
            return LogLines(lines=())
        node, container = self._at[member]
        return last_lines(self._stack.cluster.engine_of(node), container.id)

    def state_of(self, member: str) -> ReplicaState:
        """Return whether a replica runs, and where it listens."""
        found = self._stack.containers().get(member)
        if found is None:
            return ReplicaState()
        node, container = found
        listeners = procfs.listeners_of(container.pid) if is_shown(node, container) else None
        return ReplicaState(
            exit_code=None if container.running else container.exit_code,
            out_of_memory=container.out_of_memory,
            listening=None if listeners is None else tuple(map(str, listeners)),
        )

    def first_log(self, member: str) -> str:
        """Return the beginning of a member's log, without the engine's times."""
        node, container = self._at[member]
        log = self._stack.cluster.engine_of(node).log(container.id)[:FIRST_LOG_CHARS]
        return "\n".join(line.partition(" ")[2] for line in log.splitlines())

    def processes_of(self, member: str) -> tuple[ServerProcess, ...]:
        """Return a member's processes; () if the engine cannot list them."""
        node, container = self._at[member]
        rows = self._stack.cluster.engine_of(node).processes(container.id)
        if self._orders.replica.is_users:
            python = self._pythons.of(container.id, rows, node=node.engine)
        else:
            python = self._implementation
        return parse_processes(rows, implementation=python)

    def variables_of(self, member: str) -> Mapping[str, str]:
        """Return the variables of a member's container."""
        node, container = self._at[member]
        return self._stack.cluster.engine_of(node).variables(container.id)

    @cached_property
    def _implementation(self) -> str | None:
        """What the Python of the sample's image calls itself."""
        node, container = self._at[self.replicas[0].name]
        return ask_implementation(container.id, node=node.engine)

    files_are_shared = False

    def files_written(self, member: str, *, limit_s: float) -> tuple[str, ...] | None:
        """Return what a member changed in its file system; None if that takes too long."""
        node, container = self._at[member]
        driver = str(self._stack.cluster.engine_of(node).facts().get("Driver"))
        return further.files_written(container.id, driver=driver, limit_s=limit_s, host=node.engine)

    @contextmanager
    def further_replica(self, worker: str) -> Iterator[str]:
        """Start one more replica of a variant for as long as the block lasts."""
        model = next(each for each in self._plan.workers if each.name == worker)
        number = self._plan.replica_counts[-1] + 1
        order = self._orders.replica_order(model, number)
        self._stack.create([order])
        try:
            self._stack.wait_running([order])
            node, container = self._stack.containers()[f"{worker}-{number}"]
            if order.cpus is not None:
                argv = docker.update_argv(
                    [container.id], cpus=START_CPUS, cores=(), host=node.engine
                )
                proc.run(argv)
            yield f"{container.address}:{self._orders.replica.ports[worker]}"
        finally:
            self._stack.remove_service(order)

    def _container(self, member: str) -> docker.Container:
        return self._at[member][1]


def _without_ended_controls(at: At) -> At:
    """Return the containers without idle controls that have ended: they have nothing to read."""
    return {
        member: (node, container)
        for member, (node, container) in at.items()
        if container.running or not is_control(container)
    }
