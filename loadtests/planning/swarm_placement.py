"""Which node of a Swarm has what, and the CPU of each replica there. PURE.

The members are placed before anything is started, so that the plan can show them. Replicas of one
variant go round the nodes that do not have the proxy: a replica beside the proxy needs less CPU for
a request, and unequal replicas that get equal turns make a doubling look worse than it is. Nodes
that are on one machine have its cores once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from loadtests.model.errors import PlanError
from loadtests.model.machine import Machine, Node
from loadtests.model.plan import Budget
from loadtests.model.vocabulary import Role, generator_member, is_generator
from loadtests.planning.budget import MOST_CPUS, MOST_SHARED_CPUS, SHARE_OF_CORES, STEP_CPUS
from loadtests.planning.budget import budget as budget_of_one

ROLE_LABEL = "twofold.role"

SERVICES = "services"
"""The role of a node for both the proxy and the generator; ``proxy`` and ``generator`` are others,
and every other value is a node for replicas. All nodes with ``generator`` generate the load."""

SERVICE_ROLES = frozenset({SERVICES, Role.PROXY.value, Role.GENERATOR.value})


@dataclass(frozen=True, kw_only=True)
class Placement:
    """The node of each member, by the member's name in the stack."""

    node_of: Mapping[str, Node]

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes that have something, each once."""
        return tuple({node.id: node for node in self.node_of.values()}.values())

    def members_on(self, node: Node) -> tuple[str, ...]:
        """Return the members of one node, in the order in which they were placed."""
        return tuple(member for member, at in self.node_of.items() if at.id == node.id)


def place(
    nodes: Sequence[Node], workers: Sequence[str], replicas: int, *, with_store: bool = False
) -> Placement:
    """Place the services by their labels, or on the first node, and the replicas on the others.

    Without labels, the first node (the manager) has all replicas of some variants, or none. The
    first replica of each variant is on another node, so that no node has the first of all.
    """
    proxy = _for(Role.PROXY, nodes)
    hosts = [node for node in nodes if node.role not in SERVICE_ROLES] or list(nodes)
    far = [node for node in hosts if node.id != proxy.id] or hosts
    near = _beside(proxy, hosts, workers)
    placed = {Role.PROXY.value: proxy}
    for number, node in enumerate(generators(nodes), start=1):
        placed[generator_member(number)] = node
    if with_store:
        placed[Role.STORE.value] = proxy
    placed[Role.METRONOME.value] = hosts[0]
    for start, worker in enumerate(workers):
        for number in range(1, replicas + 1):
            # Backwards from the last one: the first one may have the metronome.
            node = proxy if worker in near else far[-1 - (start + number - 1) % len(far)]
            placed[f"{worker}-{number}"] = node
    return Placement(node_of=placed)


def _beside(proxy: Node, hosts: Sequence[Node], workers: Sequence[str]) -> frozenset[str]:
    """Return the variants of which all replicas stand on the proxy's node.

    On one machine each node gets the same number of variants. On several, what a variant shows
    would be its machine's: none.
    """
    if proxy not in hosts or len(hosts) < 2 or not is_one_machine(hosts):
        return frozenset()
    return frozenset(workers[: len(workers) // len(hosts)])


def _for(role: Role, nodes: Sequence[Node]) -> Node:
    labelled = [node for node in nodes if node.role in {role.value, SERVICES}]
    return labelled[0] if labelled else nodes[0]


def generators(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """Return the nodes that generate the load: all that are labelled for it, or else one."""
    labelled = tuple(node for node in nodes if node.role == Role.GENERATOR.value)
    return labelled or (_for(Role.GENERATOR, nodes),)


def is_one_machine(nodes: Sequence[Node]) -> bool:
    """Return whether all nodes are on one machine."""
    return len({node.host for node in nodes}) == 1


def of_generator(machine: Machine) -> Machine:
    """Return the machine that the generator is on, with its cores alone.

    Of several, it is the smallest: all generate the same part of the load.
    """
    if not machine.nodes or is_one_machine(machine.nodes):
        return machine
    node = min(generators(machine.nodes), key=lambda node: node.cores)
    return replace(
        machine, cores=node.cores, core_ids=tuple(range(node.cores)), hardware_threads=()
    )


def budget(
    machine: Machine,
    workers: Sequence[str],
    replicas: int,
    *,
    waiting_only: bool,
    with_store: bool = False,
) -> Budget:
    """Return the budget of each replica on a Swarm; raise :class:`PlanError` for too many.

    On one machine it is what a single engine would give. On several, a replica that shares its
    machine with nothing else of ours has up to a core, and others share half of the cores. The
    smallest share is everybody's, for equal replicas.
    """
    if is_one_machine(machine.nodes):
        return budget_of_one(
            of_generator(machine), replicas, waiting_only=waiting_only, with_store=with_store
        )
    placement = place(machine.nodes, workers, replicas, with_store=with_store)
    rooms = {
        host: _room(machine, placement, host, workers, with_store=with_store)
        for host in {node.host: None for node in placement.node_of.values()}
    }
    shares = {host: room.share for host, room in rooms.items()}
    smallest = min((share for share in shares.values() if share is not None), default=0.0)
    cpus = round(math.floor(smallest / STEP_CPUS + 1e-9) * STEP_CPUS, 2)
    if cpus < STEP_CPUS:
        worst = next(host for host, share in shares.items() if share == smallest)
        raise PlanError(
            f"{replicas} replicas cannot each have CPU of their own on {len(machine.nodes)} nodes:"
            f" the machine {worst} would have too many. Use more nodes, or fewer --replicas."
        )
    return Budget(
        replica_cpus=cpus,
        replica_cores=(),
        service_cores=(),
        reason=f"{len(shares)} machines; the fullest gives each of its replicas {cpus:g} CPU",
        store_cpus=MOST_CPUS / 2 if with_store else None,
        replicas_apart=all(room.most <= room.left for room in rooms.values()),
    )


@dataclass(frozen=True, kw_only=True)
class _Room:
    """A machine's room: ``most`` replicas of one variant, and ``left`` cores for them."""

    most: int
    left: int
    with_services: bool

    @property
    def share(self) -> float | None:
        """The CPU that each replica may use; None where there is none."""
        if self.most == 0:
            return None
        if self.left < 1:
            return 0.0
        if self.most == 1 and not self.with_services:
            return min(MOST_CPUS, float(self.left))
        largest = MOST_CPUS if self.most <= self.left else MOST_SHARED_CPUS
        return min(largest, SHARE_OF_CORES * self.left / self.most)


def _room(
    machine: Machine, placement: Placement, host: str, workers: Sequence[str], *, with_store: bool
) -> _Room:
    """Return a machine's room, from which the services have a core each if there are so many."""
    there = [member for member, node in placement.node_of.items() if node.host == host]
    counts = [sum(member.rpartition("-")[0] == worker for member in there) for worker in workers]
    cores = max(node.cores for node in machine.nodes if node.host == host)
    services = {member for member in there if member == Role.PROXY or is_generator(member)}
    if with_store and Role.STORE.value in there:
        services |= {Role.STORE.value}
    left = cores - len(services) if cores > len(services) else cores - bool(services)
    return _Room(most=max(counts, default=0), left=left, with_services=bool(services))


def notes(machine: Machine, placement: Placement) -> tuple[str, ...]:
    """Return which node has what, a sentence each, and what cannot be known of one machine."""
    told = []
    for node in machine.nodes:
        members = placement.members_on(node)
        what = ", ".join(members) if members else "nothing"
        told.append(f"Node {node.name} ({node.cores} cores) has {what}.")
    makers = generators(machine.nodes) if machine.nodes else ()
    if len(makers) > 1:
        told.append(f"Each of {len(makers)} nodes generates its part of the load.")
    if len(machine.nodes) > 1 and is_one_machine(machine.nodes):
        told.append(
            f"All nodes are on one machine, {machine.nodes[0].host}, so they share its cores, and"
            " the budgets are those of one machine."
        )
    elif len(machine.nodes) > 1:
        told.append(
            "There is no CPU speed probe on several machines. The nodes' speeds are compared by the"
            " CPU of a request, and are not corrected."
        )
    return tuple(told)
