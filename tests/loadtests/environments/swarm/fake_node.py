"""Engines of nodes in memory, of which the first is a manager."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from loadtests.environments.swarm.nodes import Cluster
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.machine import Node
from loadtests.tools.docker import Container
from loadtests.tools.docker.swarm import NodeEngine, NodeFacts, Task

_NOTHING: Mapping[str, Any] = {}


class FakeNode:
    """A node's engine; it has what a test says, and notes what is removed."""

    def __init__(
        self, name: str, host: str, *containers: Container, info: Mapping[str, Any] = _NOTHING
    ) -> None:
        self.info = dict(info)
        self.name = name
        self.host = host
        self.version = "28.0"
        self.listed = list(containers)
        self.well = True
        self.manages = False
        self.node_id = f"id of {name}"
        self.known: list[NodeFacts] = []
        self.services: dict[str, str] = {}
        self.networks: dict[str, str] = {}
        self.busy_network = 0
        """How often the network cannot be removed yet."""
        self.removes_itself = True
        """Whether the containers of removed services go by themselves."""
        self.peers: list[FakeNode] = []
        self.forced: list[str] = []
        self.task_list: tuple[Task, ...] = ()
        self.offset_s = 0.0
        """How far its clock is ahead."""

    def close(self) -> None:
        pass

    def alive(self) -> bool:
        return self.well

    def swarm(self) -> Mapping[str, Any]:
        return {
            "LocalNodeState": "active",
            "ControlAvailable": self.manages,
            "NodeID": self.node_id,
        }

    def facts(self) -> dict[str, Any]:
        known = {"CpuCfsQuota": True, "CPUSet": True, "NCPU": 2, "Architecture": "x86_64"}
        return known | self.info

    def clock_offset_s(self) -> float:
        self._check()
        return self.offset_s

    def nodes(self) -> tuple[NodeFacts, ...]:
        return tuple(self.known)

    def containers(self, stack: str) -> tuple[Container, ...]:
        self._check()
        return tuple(self.listed)

    def remove(self, stack: str) -> None:
        self._check()
        self.forced.append(stack)
        self.listed = []

    def stacks(self) -> dict[str, str]:
        self._check()
        return {**self.services, **self.networks}

    def tasks(self, stack: str) -> tuple[Task, ...]:
        self._check()
        return self.task_list

    def remove_services(self, stack: str) -> None:
        self._check()
        self.services.pop(stack, None)
        for node in (self, *self.peers):
            if node.removes_itself:
                node.listed = []

    def remove_networks(self, stack: str) -> None:
        self._check()
        if self.busy_network:
            self.busy_network -= 1
            raise EnvironmentFailure("network twfs is in use by task x")
        self.networks.pop(stack, None)

    def log(self, container: str, *, lines: int | None = None) -> str:
        return f"log of {container}"

    def _check(self) -> None:
        if not self.well:
            raise EnvironmentFailure(f"The engine of {self.name} does not answer.")


def a_cluster(*fakes: FakeNode) -> Cluster:
    nodes = tuple(
        Node(
            name=fake.name,
            id=fake.node_id,
            engine=fake.host,
            host="here",
            cores=2,
            memory_bytes=2**33,
        )
        for fake in fakes
    )
    return Cluster(
        nodes=nodes,
        engines={fake.node_id: cast("NodeEngine", fake) for fake in fakes},
        manager_id=fakes[0].node_id,
    )
