"""Counters and identities of a stack's containers, from each node's kernel or engine."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass

from loadtests.environments.compose.tested.start.listening import is_of
from loadtests.environments.counters import Counters, EngineCounters, KernelCounters
from loadtests.environments.swarm.nodes import Cluster, is_here
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.machine import Node
from loadtests.model.stack import Reading
from loadtests.model.vocabulary import node_member
from loadtests.tools.docker import Container

ANSWERS = "its engine answers"
SILENT = "its engine does not answer"


@dataclass(frozen=True, kw_only=True)
class _OfNode:
    node: Node
    counters: Counters
    members: frozenset[str]


class SwarmCounters:
    """The counters of all nodes. What a node does not tell is left out, and is then unchecked."""

    def __init__(
        self, cluster: Cluster, stack: str, containers: Mapping[str, tuple[Node, Container]]
    ) -> None:
        self._cluster = cluster
        self._parts = [
            _of_node(cluster, stack, node, containers)
            for node in cluster.nodes
            if any(at.id == node.id for at, _ in containers.values())
        ]

    def read(self, members: Collection[str]) -> tuple[Reading, ...]:
        """Return the present counters of these members, each with its own time."""
        readings: list[Reading] = []
        for part in self._parts:
            own = [member for member in members if member in part.members]
            with suppress(EnvironmentFailure):
                readings += part.counters.read(own) if own else ()
        return tuple(readings)

    def identities(self) -> Mapping[str, str]:
        """Return each member's identity, with its node's name; and what each node's engine says."""
        identities: dict[str, str] = {}
        for part in self._parts:
            alive = self._cluster.engine_of(part.node).alive()
            identities[node_member(part.node.name)] = ANSWERS if alive else SILENT
            with suppress(EnvironmentFailure):
                for member, text in part.counters.identities().items():
                    identities[member] = f"{text} node={part.node.name}"
        return identities


def _of_node(
    cluster: Cluster, stack: str, node: Node, containers: Mapping[str, tuple[Node, Container]]
) -> _OfNode:
    own = {name: container for name, (at, container) in containers.items() if at.id == node.id}
    # A socket may lead to another machine, whose process ids mean something else here.
    here = is_here(node.engine) and all(is_of(each.pid, each.id) for each in own.values())
    kernel = KernelCounters(own) if here else None
    counters: Counters = (
        kernel
        if kernel is not None and kernel.complete
        else EngineCounters(cluster.engine_of(node), stack, own)
    )
    return _OfNode(node=node, counters=counters, members=frozenset(own))
