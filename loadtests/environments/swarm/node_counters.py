"""What the nodes and their network had to do: TCP's counters, and the CPU of whole nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from loadtests.environments.swarm.nodes import is_shown
from loadtests.model.errors import ProcessFailure
from loadtests.model.machine import Node
from loadtests.model.stack import NetworkReading, NodeReading, NodesSeen
from loadtests.model.vocabulary import Role
from loadtests.tools import docker, host, proc
from loadtests.tools.docker import Container
from loadtests.tools.procfs import network

FILES = ("/proc/stat", "/proc/net/snmp", "/proc/net/netstat")

LOOK_LIMIT_S = 5.0

OURS = (Role.PROXY.value, Role.GENERATOR.value, Role.METRONOME.value)
"""Members whose images surely have ``cat``, the best first."""

At = Mapping[str, tuple[Node, Container]]


class NodeCounters:
    """Reads the counters of all nodes at the same time.

    On this machine, every member's network namespace is read. Of a node elsewhere, one member's is,
    by a program inside it: it shows that member's network, and the whole node's CPU.
    """

    def __init__(self, at: At) -> None:
        here = {member: place for member, place in at.items() if is_shown(*place)}
        self._pids = {member: container.pid for member, (_, container) in here.items()}
        self._nodes_here = tuple({node.id: node for node, _ in here.values()}.values())
        self._elsewhere = _lookouts(
            {member: place for member, place in at.items() if member not in here}
        )
        self._pool = ThreadPoolExecutor(max(1, len(self._elsewhere)))

    def read(self) -> NodesSeen:
        """Return the present counters; what cannot be read is left out."""
        texts = list(self._pool.map(_look, self._elsewhere))
        network_readings = [
            NetworkReading(member=member, **vars(tcp))
            for member, pid in self._pids.items()
            if (tcp := network.tcp_of(pid)) is not None
        ]
        nodes = self._read_here()
        for (member, node, _), (at_s, text) in zip(self._elsewhere, texts, strict=True):
            if (tcp := network.parse_tcp(text)) is not None:
                network_readings.append(NetworkReading(member=member, **vars(tcp)))
            reading = host.parse_host(text, range(node.cores), at_s=at_s)
            if reading.cores:
                nodes.append(NodeReading(node=node.name, host=reading))
        return NodesSeen(network=tuple(network_readings), nodes=tuple(nodes))

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


def _lookouts(at: At) -> Sequence[tuple[str, Node, Container]]:
    """Return one member of each node, one of ours if there is one."""
    chosen: dict[str, tuple[str, Node, Container]] = {}
    ranked = sorted(at, key=lambda member: OURS.index(member) if member in OURS else len(OURS))
    for member in ranked:
        node, container = at[member]
        chosen.setdefault(node.id, (member, node, container))
    return tuple(chosen.values())


def _look(lookout: tuple[str, Node, Container]) -> tuple[float, str]:
    _, node, container = lookout
    argv = docker.exec_argv(container.id, "cat", *FILES, host=node.engine)
    try:
        text = proc.run(argv, check=False, timeout_s=LOOK_LIMIT_S).stdout
    except ProcessFailure:
        text = ""
    return proc.now_s(), text
