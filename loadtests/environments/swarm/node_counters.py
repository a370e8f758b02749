"""What the nodes and their network had to do: TCP's counters, and the CPU of whole nodes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from loadtests.environments.swarm.nodes import is_shown
from loadtests.model.errors import ProcessFailure
from loadtests.model.machine import Node
from loadtests.model.stack import NetworkReading, NodeReading, NodesSeen
from loadtests.model.vocabulary import Role, is_generator
from loadtests.tools import docker, host, proc
from loadtests.tools.docker import Container
from loadtests.tools.procfs import network

FILES = ("/proc/stat", "/proc/net/snmp", "/proc/net/netstat")

LOOK_LIMIT_S = 5.0

LOOK_CPU_S = 0.02
"""CPU of a container that a program started in it takes (Docker 20.10: 20 ms)."""

MOST_TAKEN_RATIO = 0.02
"""Part of a replica's CPU in a window that a look may take: replicas differ by as much from one
another (2 to 4 %)."""

MOST_AT_ONCE = 8
"""Programs that look at the same time. By default sshd refuses some from ten that log in at once
(MaxStartups)."""

OURS = (Role.PROXY.value, Role.GENERATOR.value, Role.METRONOME.value)
"""Members whose images surely have ``cat``, the best first."""

At = Mapping[str, tuple[Node, Container]]


class NodeCounters:
    """Reads the counters of all nodes at the same time.

    On this machine, every member's network namespace is read. Of a node elsewhere, one of our
    members' is, and those of the trial's replicas if ``every_replica`` is to be, by a program
    inside them: it shows that member's network, and the whole node's CPU.
    """

    def __init__(self, at: At, *, every_replica: bool) -> None:
        here = {member: place for member, place in at.items() if is_shown(*place)}
        self._pids = {member: container.pid for member, (_, container) in here.items()}
        self._nodes_here = tuple({node.id: node for node, _ in here.values()}.values())
        self._elsewhere = {member: place for member, place in at.items() if member not in here}
        self._every_replica = every_replica
        self._pool = ThreadPoolExecutor(MOST_AT_ONCE)

    def read(self, replicas: Collection[str]) -> NodesSeen:
        """Return the present counters in a trial of these replicas, as far as they can be read.

        A program in a replica uses CPU of its budget, so the others are left alone.
        """
        lookouts = _lookouts(self._elsewhere, replicas, every_replica=self._every_replica)
        texts = list(self._pool.map(_look, lookouts))
        network_readings = [
            NetworkReading(member=member, **vars(tcp))
            for member, pid in self._pids.items()
            if (tcp := network.tcp_of(pid)) is not None
        ]
        nodes = {reading.node: reading for reading in self._read_here()}
        for (member, node, _), (at_s, text) in zip(lookouts, texts, strict=True):
            if (tcp := network.parse_tcp(text)) is not None:
                network_readings.append(NetworkReading(member=member, **vars(tcp)))
            reading = host.parse_host(text, range(node.cores), at_s=at_s)
            if reading.cores:
                nodes.setdefault(node.name, NodeReading(node=node.name, host=reading))
        return NodesSeen(network=tuple(network_readings), nodes=tuple(nodes.values()))

    def _read_here(self) -> list[NodeReading]:
        """Return the CPU of this machine for each node on it.

        Where all nodes are, the stack reads the cores that the run uses, and this tells no more.
        """
        if not self._elsewhere or not self._nodes_here:
            return []
        reading = host.read_host(range(max(node.cores for node in self._nodes_here)))
        if reading is None or not reading.cores:
            return []
        return [NodeReading(node=node.name, host=reading, here=True) for node in self._nodes_here]


def _lookouts(
    at: At, replicas: Collection[str], *, every_replica: bool
) -> Sequence[tuple[str, Node, Container]]:
    """Return one member of each node, ours if there is one, and maybe a trial's replicas.

    A node without any of these is not looked at: a look into a small replica would slow it, and
    more so in the small cells.
    """
    loaded = [member for member in at if member in replicas] if every_replica else []
    one: dict[str, str] = {}
    for member in (*OURS, *filter(is_generator, at), *loaded):
        if member in at:
            one.setdefault(at[member][0].id, member)
    return tuple((member, *at[member]) for member in dict.fromkeys((*one.values(), *loaded)))


def may_look(replica_cpus: float | None, window_s: float) -> bool:
    """Return whether a program in a replica takes little enough of what it may use in a window."""
    return replica_cpus is None or MOST_TAKEN_RATIO * replica_cpus * window_s >= LOOK_CPU_S


def _look(lookout: tuple[str, Node, Container]) -> tuple[float, str]:
    _, node, container = lookout
    argv = docker.exec_argv(container.id, "cat", *FILES, host=node.engine)
    try:
        text = proc.run(argv, check=False, timeout_s=LOOK_LIMIT_S).stdout
    except ProcessFailure:
        text = ""
    return proc.now_s(), text
