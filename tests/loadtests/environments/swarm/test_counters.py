from collections.abc import Collection
from typing import Any

import pytest

from loadtests.environments.swarm import counters
from loadtests.environments.swarm.counters import SwarmCounters
from loadtests.model.stack import Reading
from loadtests.model.vocabulary import Role
from tests.loadtests.environments.swarm.fake_node import FakeNode, a_cluster
from tests.loadtests.environments.test_counters import a_container


class Statistics:
    """A node's engine, by whose clock a reading is at 1000 s."""

    def __init__(self, *_: Any) -> None:
        pass

    def read(self, members: Collection[str]) -> tuple[Reading, ...]:
        return tuple(
            Reading(member=member, role=Role.REPLICA, at_s=1000.0, cpu_s=1.0) for member in members
        )


def read_of(monkeypatch: pytest.MonkeyPatch, node: FakeNode) -> SwarmCounters:
    monkeypatch.setattr(counters, "EngineCounters", Statistics)
    cluster = a_cluster(node)
    return SwarmCounters(cluster, "twfs-1", {"sync-1": (cluster.nodes[0], a_container("sync"))})


def test_the_times_of_a_nodes_counters_are_this_machines_and_a_wrong_clock_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    node = FakeNode("two", "ssh://two")
    node.offset_s = -4.5

    made = read_of(monkeypatch, node)

    (reading,) = made.read(["sync-1"])
    assert reading.at_s == 1004.5
    (note,) = made.notes
    assert note.startswith("The clock of the node two is 4.5 s behind this machine's.")


def test_a_clock_that_is_right_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    made = read_of(monkeypatch, FakeNode("two", "ssh://two"))

    assert made.notes == ()
