"""Counters and identities of a stack's containers, from each node's kernel or engine."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from loadtests.environments.counters import Counters, EngineCounters, KernelCounters
from loadtests.environments.swarm.nodes import Cluster, is_shown
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.machine import Node
from loadtests.model.stack import Reading
from loadtests.model.vocabulary import node_member
from loadtests.tools.docker import Container

ANSWERS = "its engine answers"
SILENT = "its engine does not answer"

TOLD_OFFSET_S = 0.1
"""Offset of a node's clock from which on it is told; it is corrected in any case."""


@dataclass(frozen=True, kw_only=True)
class _OfNode:
    node: Node
    counters: Counters
    members: frozenset[str]
    clock_offset_s: float = 0.0
    """How far the clock of its readings is ahead of this machine's."""


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
                read = part.counters.read(own) if own else ()
                readings += [
                    replace(reading, at_s=reading.at_s - part.clock_offset_s) for reading in read
                ]
        return tuple(readings)

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence on each node whose clock shows another time."""
        return tuple(
            f"The clock of the node {part.node.name} is {abs(part.clock_offset_s):.1f} s"
            f" {'ahead of' if part.clock_offset_s > 0 else 'behind'} this machine's. The times of"
            " its counters are corrected."
            for part in self._parts
            if abs(part.clock_offset_s) >= TOLD_OFFSET_S
        )

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
    kernel = KernelCounters(own) if all(is_shown(node, each) for each in own.values()) else None
    if kernel is not None and kernel.complete:
        return _OfNode(node=node, counters=kernel, members=frozenset(own))
    engine = cluster.engine_of(node)
    offset_s = 0.0
    with suppress(EnvironmentFailure, KeyError, ValueError):
        offset_s = engine.clock_offset_s()
    return _OfNode(
        node=node,
        counters=EngineCounters(engine, stack, own),
        members=frozenset(own),
        clock_offset_s=offset_s,
    )
