from typing import Any

import pytest

from loadtests.analysis.nodes.use import network_uses, node_uses, nodes_of
from loadtests.model.generator_records import Edge
from loadtests.model.stack import HostReading, NetworkReading, NodeReading, NodesSeen
from loadtests.model.trial import NetworkUse
from tests.loadtests.analysis.raw_trials import a_host, a_raw_trial, a_reading, an_edge
from tests.loadtests.builders import STARTED_AT_S, make_trial


def seen(*network: NetworkReading, nodes: dict[str, HostReading] | None = None) -> NodesSeen:
    readings = tuple(NodeReading(node=name, host=host) for name, host in (nodes or {}).items())
    return NodesSeen(network=network, nodes=readings)


def counted(segments: int, retransmitted: int, timeouts: int, member: str = "a") -> NetworkReading:
    return NetworkReading(
        member=member, segments=segments, retransmitted=retransmitted, timeouts=timeouts
    )


def an_edge_of(nodes: NodesSeen | None, **fields: Any) -> Edge:
    return an_edge(a_reading(**fields), nodes=nodes)


def test_the_network_of_a_window_is_what_its_counters_grew_by() -> None:
    opened = an_edge_of(seen(counted(100, 5, 1), counted(9, 0, 0, "gone")))
    closed = an_edge_of(seen(counted(300, 7, 2), counted(9, 0, 0, "new")))

    assert network_uses(opened, closed) == (
        NetworkUse(member="a", segments=200, retransmitted=2, timeouts=1),
    )


def test_where_nobody_can_look_there_is_nothing() -> None:
    assert network_uses(an_edge(), an_edge_of(seen(counted(1, 1, 1)))) == ()
    assert node_uses(a_raw_trial()) == ()


def test_what_others_took_of_a_node_is_its_busy_time_less_our_members() -> None:
    first, last = STARTED_AT_S, STARTED_AT_S + 2.0
    before = a_host(first, idle_s=10.0, steal_s=1.0, cores=4)
    after = a_host(last, idle_s=14.0, steal_s=1.4, cores=4)
    raw = a_raw_trial(
        opened=an_edge_of(seen(nodes={"two": before}), cpu_s=10.0, at_s=first),
        closed=an_edge_of(seen(nodes={"two": after}), cpu_s=12.0, at_s=last),
        identities={"gthread-1": "a since b node=two"},
    )

    # 4 cores, of which 2 were idle, 0.2 stolen and 1 ours.
    (use,) = node_uses(raw)
    assert use.node == "two"
    assert (use.steal_ratio, use.foreign_ratio) == pytest.approx((0.05, 0.2))


def test_nodes_here_have_one_machine_with_all_that_is_ours_on_it() -> None:
    first, last = STARTED_AT_S, STARTED_AT_S + 2.0
    edges = [
        an_edge(
            a_reading("gthread-1", cpu_s=cpu_s, at_s=at_s),
            a_reading("gthread-2", cpu_s=cpu_s, at_s=at_s),
            harness_cpu_s=cpu_s / 5,
            nodes=NodesSeen(
                network=(),
                nodes=tuple(
                    NodeReading(node=name, host=a_host(at_s, idle_s=idle_s, cores=4), here=True)
                    for name in ("one", "two")
                ),
            ),
        )
        for cpu_s, at_s, idle_s in ((10.0, first, 10.0), (11.0, last, 14.0))
    ]
    raw = a_raw_trial(
        opened=edges[0],
        closed=edges[1],
        identities={"gthread-1": "a since b node=one", "gthread-2": "c since d node=two"},
    )

    # 4 cores, of which 2 were idle; half a core is each replica's, and a tenth the harness's.
    assert [use.foreign_ratio for use in node_uses(raw)] == pytest.approx([0.9 / 4, 0.9 / 4])


def test_the_nodes_of_a_trial_are_those_of_its_replicas_and_services() -> None:
    on = {"gthread-1": "one", "gthread-2": "two", "sync-1": "three", "proxy": "four"}
    on |= {"generator:2": "five", "metronome": "six"}
    identities = {member: f"x since y node={node}" for member, node in on.items()}

    trial = make_trial(identities={**identities, "node six": "its engine answers"})

    assert nodes_of(trial) == {"one", "four", "five"}
