"""The nodes of a Swarm: which of them take part, and how their engines are reached."""

from __future__ import annotations

import platform
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from loadtests.environments.compose.tested.start.listening import is_of
from loadtests.environments.swarm.hosts import told_apart
from loadtests.model.errors import EnvironmentFailure, UsageError
from loadtests.model.machine import Machine, Node
from loadtests.model.tested.swarm import SwarmAccess
from loadtests.planning.swarm_placement import is_one_machine
from loadtests.tools import cgroup, host
from loadtests.tools.cgroup import Group
from loadtests.tools.docker import Container, connection, contexts
from loadtests.tools.docker.swarm import NodeEngine, NodeFacts

HERE = frozenset({"127.0.0.1", "localhost", "[::1]"})

TABLE = "[tool.twofold.swarm.nodes]"


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """The nodes that take part, the manager first, and their engines by the nodes' ids.

    A manager that takes no tasks is none of the nodes, but its engine is there for orders.
    """

    nodes: tuple[Node, ...]
    engines: Mapping[str, NodeEngine]
    manager_id: str
    notes: tuple[str, ...] = ()

    @property
    def manager(self) -> NodeEngine:
        """The engine that services are made at."""
        return self.engines[self.manager_id]

    def engine_of(self, node: Node) -> NodeEngine:
        """Return a node's engine."""
        return self.engines[node.id]


def manager_address() -> str:
    """Return the address that ``DOCKER_HOST`` or Docker's context gives.

    Raises :class:`EnvironmentFailure` for a context that does not exist, and for one with
    certificates, which an address has not.
    """
    contexts.usable()
    return connection.address_of()


@contextmanager
def opened(access: SwarmAccess) -> Iterator[Cluster]:
    """Provide the Swarm's nodes that can be reached; close the connections at the end.

    Raises :class:`EnvironmentFailure` where the manager is none, and where a named node does not
    answer; and :class:`UsageError` for names that cannot be right.
    """
    with ExitStack() as stack:
        address = manager_address()
        manager = stack.enter_context(closing(NodeEngine(address)))
        own_id = _manager_id(manager, address)
        known = {facts.id: facts for facts in manager.nodes()}
        reached: dict[str, tuple[str, NodeEngine]] = {own_id: (known[own_id].hostname, manager)}
        for name, url in access.nodes.items():
            engine = stack.enter_context(closing(NodeEngine(url)))
            node = str(engine.swarm().get("NodeID") or "")
            _check_member(name, url, node, known, own_id)
            if node in reached and reached[node][1] is not manager:
                raise UsageError(
                    f"{TABLE} names one node twice: {reached[node][0]} and {name} are the same."
                )
            reached[node] = (name, manager if node == own_id else engine)
        nodes = tuple(
            _node(name, known[node], engine)
            for node, (name, engine) in reached.items()
            if known[node].ready
        )
        here = [node.id for node in nodes if is_here(node.engine)]
        nodes = told_apart(nodes, here, lambda node: reached[node.id][1].facts())
        idle = (
            ()
            if known[own_id].ready
            else (_manager_without_tasks(reached[own_id][0], own_id, nodes),)
        )
        names = [node.name for node in nodes]
        if len(set(names)) < len(names):
            nodes = tuple(replace(node, name=f"{node.name}-{node.id[:5]}") for node in nodes)
        yield Cluster(
            nodes=nodes,
            engines={node: engine for node, (_, engine) in reached.items()},
            manager_id=own_id,
            notes=(
                *idle,
                *left_out([facts for facts in known.values() if facts.id not in reached]),
            ),
        )


def _manager_without_tasks(name: str, node: str, nodes: Sequence[Node]) -> str:
    """Return that the manager has nothing of the run, in a sentence; raise if no node is left."""
    if not nodes:
        raise EnvironmentFailure(
            f"No node of the Swarm can have anything: the manager {name} takes no tasks, since it"
            f" is drained or paused, and no other is named in {TABLE}. Name the others there, or"
            f" bring it back: docker node update --availability active {node}."
        )
    return (
        f"The manager {name} takes no tasks, since it is drained or paused. So nothing of the run"
        " is on it, and it only gives orders."
    )


def left_out(others: Sequence[NodeFacts]) -> tuple[str, ...]:
    """Return a sentence on the nodes that no configuration names."""
    if not others:
        return ()
    names = ", ".join(f"{facts.hostname} ({facts.id[:12]})" for facts in others)
    return (
        f"These nodes of the Swarm take no part, since their engines are not named in {TABLE}:"
        f" {names}. Their counters, logs and processes could not be read.",
    )


def _manager_id(engine: NodeEngine, address: str) -> str:
    swarm = engine.swarm()
    state = str(swarm.get("LocalNodeState") or "inactive")
    if state != "active":
        raise EnvironmentFailure(
            f"The engine at {address} is not in a Swarm (its state is {state}). Name a manager by"
            " DOCKER_HOST, or make one: docker swarm init."
        )
    if not swarm.get("ControlAvailable"):
        raise EnvironmentFailure(
            f"The engine at {address} is a worker of its Swarm. Name a manager by DOCKER_HOST."
        )
    return str(swarm["NodeID"])


def _check_member(
    name: str, url: str, node: str, known: Mapping[str, NodeFacts], manager: str
) -> None:
    """Raise for an engine of another Swarm, and for a node that takes no tasks.

    The manager need not take any.
    """
    if node not in known:
        raise UsageError(
            f"The engine at {url}, which {TABLE} calls {name}, is not in the manager's Swarm. Look:"
            f" docker -H {url} info; docker node ls."
        )
    if node != manager and not known[node].ready:
        raise EnvironmentFailure(
            f"The node {name} takes no tasks: it is down, drained or paused. Look: docker node ls."
            f" Bring it back, or take it out of {TABLE}."
        )


def _node(name: str, facts: NodeFacts, engine: NodeEngine) -> Node:
    return Node(
        name=name,
        id=facts.id,
        engine=str(engine.host),
        host=socket.gethostname() if is_here(str(engine.host)) else facts.hostname,
        cores=facts.cores,
        memory_bytes=facts.memory_bytes,
        role=facts.role,
    )


def is_here(address: str) -> bool:
    """Return whether an engine's address is on this machine; it may lead to another one."""
    scheme, _, rest = address.partition("://")
    return scheme == "unix" or rest.partition("/")[0].rpartition(":")[0] in HERE


def is_shown(node: Node, container: Container) -> bool:
    """Return whether this machine's ``/proc`` shows a container's processes under their ids.

    A socket may lead to another machine, or to an engine with process ids of its own, which mean
    something else here.
    """
    return is_here(node.engine) and is_of(container.pid, container.id)


def groups_here(at: Mapping[str, tuple[Node, Container]]) -> Callable[[str], Group | None]:
    """Return what gives the control group of a member; None where it is not of this machine."""

    def group_of(member: str) -> Group | None:
        return cgroup.group_of(at[member][1].pid) if is_shown(*at[member]) else None

    return group_of


def machine_of(cluster: Cluster) -> Machine:
    """Return the facts of the machines that the nodes are on."""
    facts = [cluster.engine_of(node).facts() for node in cluster.nodes]
    nodes = cluster.nodes
    engine = f"Docker {cluster.manager.version}, a Swarm of {len(nodes)} nodes"
    can_budget = all(bool(each.get("CpuCfsQuota")) for each in facts)
    one = is_one_machine(nodes)
    can_pin = one and all(bool(each.get("CPUSet")) for each in facts)
    if one and all(is_here(node.engine) for node in nodes):
        machine = host.read_machine(can_budget=can_budget, engine=engine)
        return replace(machine, can_pin=can_pin, nodes=nodes)
    cores = sum(
        max(node.cores for node in nodes if node.host == name)
        for name in {node.host for node in nodes}
    )
    return Machine(
        cores=cores,
        core_ids=tuple(range(cores)),
        memory_bytes=sum(node.memory_bytes for node in nodes),
        cpu_model=_architectures(facts),
        system=f"{facts[0].get('OperatingSystem')} {facts[0].get('KernelVersion')}",
        python=platform.python_version(),
        engine=engine,
        cgroup=f"v{facts[0].get('CgroupVersion', '1')}",
        can_budget=can_budget,
        can_pin=can_pin,
        nodes=nodes,
    )


def _architectures(facts: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(sorted({str(each.get("Architecture", "?")) for each in facts}))


def check_architectures(cluster: Cluster) -> None:
    """Raise :class:`EnvironmentFailure` where the nodes have processors of several kinds.

    An image is built once, for one of them; and replicas would not be equal.
    """
    kinds = {node.name: _architecture(cluster.engine_of(node)) for node in cluster.nodes}
    if len({*kinds.values()} - {None}) > 1:
        told = ", ".join(f"{name} ({kind or 'unknown'})" for name, kind in kinds.items())
        raise EnvironmentFailure(
            f"The nodes have different processors: {told}. An image is built for one of them, and"
            f" replicas have to be equal. Name nodes of one kind in {TABLE}; a manager of another"
            " kind can be drained: docker node update --availability drain NODE."
        )


def builder_of(access: SwarmAccess, cluster: Cluster) -> str:
    """Return the address of the engine that builds images.

    It is the named one; or that of this machine, or the manager, if it builds for the nodes'
    processors; or else that of the first node. A manager without tasks may have another processor.
    """
    if access.builder is not None:
        return access.builder
    first = cluster.engine_of(cluster.nodes[0])
    wanted = _architecture(first)
    try:
        with closing(NodeEngine(connection.SOCKET)) as local:
            if _architecture(local) == wanted:
                return connection.SOCKET
    except EnvironmentFailure:
        pass
    builder = cluster.manager if _architecture(cluster.manager) == wanted else first
    return str(builder.host)


def _architecture(engine: NodeEngine) -> str | None:
    """Return what an engine calls its machine's processor, such as ``x86_64``."""
    kind = engine.facts().get("Architecture")
    return None if kind is None else str(kind)
