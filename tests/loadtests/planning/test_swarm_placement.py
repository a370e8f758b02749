from typing import Any

import pytest

from loadtests.config.options import Options
from loadtests.model.errors import PlanError
from loadtests.model.machine import Machine, Node
from loadtests.planning.budget import budget as budget_of_one
from loadtests.planning.run_plan import make_plan
from loadtests.planning.swarm_placement import budget, notes, of_generator, place
from tests.loadtests.builders import make_machine


def a_node(number: int, **fields: Any) -> Node:
    defaults: dict[str, Any] = {
        "name": f"n{number}",
        "id": f"id{number}",
        "engine": f"ssh://n{number}",
        "host": f"host{number}",
        "cores": 4,
        "memory_bytes": 2**33,
        "role": "",
    }
    return Node(**defaults | fields)


def nodes(count: int, **fields: Any) -> tuple[Node, ...]:
    return tuple(a_node(number, **fields) for number in range(1, count + 1))


def a_machine(*of: Node, **fields: Any) -> Machine:
    cores = sum(node.cores for node in {node.host: node for node in of}.values())
    return make_machine(cores=cores, core_ids=tuple(range(cores)), nodes=of, **fields)


def where(node: str, placed: Any) -> list[str]:
    return [member for member, at in placed.node_of.items() if at.name == node]


def test_without_labels_services_are_on_the_manager_and_replicas_go_round_the_others() -> None:
    placed = place(nodes(3), ("gthread",), 4)

    assert where("n1", placed) == ["proxy", "generator", "metronome"]
    assert where("n2", placed) == ["gthread-2", "gthread-4"]
    assert where("n3", placed) == ["gthread-1", "gthread-3"]


@pytest.mark.parametrize(
    ("host", "workers", "beside"),
    [
        ({"host": "here"}, ("gthread", "sync", "gevent"), {"gthread"}),
        ({"host": "here"}, ("gthread", "sync"), set()),
        ({"host": "here"}, tuple("abcdefg"), {"a", "b"}),
        ({}, ("gthread", "sync", "gevent"), set()),
    ],
)
def test_all_replicas_of_a_variant_are_equally_far_from_the_proxy(
    host: dict[str, str], workers: tuple[str, ...], beside: set[str]
) -> None:
    placed = place(nodes(3, **host), workers, 4)

    near = {member.rpartition("-")[0] for member in where("n1", placed) if member[-1].isdigit()}
    far = {
        member.rpartition("-")[0]
        for node in ("n2", "n3")
        for member in where(node, placed)
        if member[-1].isdigit()
    }
    assert near == beside
    assert far == set(workers) - beside


def test_one_node_has_everything() -> None:
    placed = place(nodes(1), ("gthread", "sync"), 2)

    assert {node.name for node in placed.nodes} == {"n1"}


def test_a_label_keeps_replicas_off_the_node_of_the_services() -> None:
    labelled = (a_node(1), a_node(2, role="services"), a_node(3))

    placed = place(labelled, ("gthread", "sync"), 4)

    assert where("n2", placed) == ["proxy", "generator"]
    assert {at.name for member, at in placed.node_of.items() if member[-1].isdigit()} == {
        *("n1", "n3"),
    }


def test_proxy_and_generator_may_be_on_nodes_of_their_own() -> None:
    labelled = (a_node(1), a_node(2, role="proxy"), a_node(3, role="generator"))

    placed = place(labelled, ("gthread",), 2)

    assert placed.node_of["proxy"].name == "n2"
    assert placed.node_of["generator"].name == "n3"
    assert placed.node_of["gthread-1"].name == placed.node_of["gthread-2"].name == "n1"


def test_nodes_on_one_machine_have_its_cores_once() -> None:
    machine = a_machine(*nodes(3, host="here", cores=2))

    on_swarm = budget(machine, ("gthread",), 4, waiting_only=False)

    assert on_swarm == budget_of_one(make_machine(cores=2), 4, waiting_only=False)


def test_a_replica_that_has_a_machine_to_itself_has_a_core() -> None:
    machine = a_machine(a_node(1, role="services"), a_node(2), a_node(3))

    assert budget(machine, ("gthread",), 2, waiting_only=False).replica_cpus == 1.0


def test_replicas_that_share_a_machine_have_half_of_its_cores() -> None:
    machine = a_machine(a_node(1, role="services"), a_node(2), a_node(3))

    # Three on one of them: half of four cores.
    assert budget(machine, ("gthread",), 6, waiting_only=False).replica_cpus == 0.65


def test_the_fullest_machine_sets_the_budget_of_all() -> None:
    # The manager has the services, and the other machine all four replicas.
    machine = a_machine(*nodes(2))

    assert budget(machine, ("gthread",), 4, waiting_only=False).replica_cpus == 0.5


@pytest.mark.parametrize(
    ("count", "cores", "replicas", "apart"),
    [
        (3, 4, 2, True),  # a machine each
        (2, 4, 8, True),  # four on four cores
        (2, 4, 10, False),
        (4, 1, 8, False),
    ],
)
def test_the_budget_says_whether_replicas_share_cores(
    count: int, cores: int, replicas: int, *, apart: bool
) -> None:
    machine = a_machine(a_node(9, role="services"), *nodes(count, cores=cores))

    assert budget(machine, ("gthread",), replicas, waiting_only=False).replicas_apart is apart


def test_too_many_replicas_are_refused_with_the_machine_that_is_full() -> None:
    machine = a_machine(*nodes(2, cores=1))

    with pytest.raises(PlanError, match="the machine host2 would have too many"):
        budget(machine, ("gthread",), 64, waiting_only=False)


def test_the_plan_says_which_node_has_what() -> None:
    machine = a_machine(*nodes(3, host="here", cores=2))

    plan = make_plan(
        Options(workers=("gthread",), replicas=(1, 2)), machine, backend="swarm", seed=1
    )

    told = [note for note in plan.notes if note.startswith("Node ")]
    assert told == [
        "Node n1 (2 cores) has proxy, generator, metronome.",
        "Node n2 (2 cores) has gthread-2.",
        "Node n3 (2 cores) has gthread-1.",
    ]
    assert "All nodes are on one machine, here, so they share its cores" in plan.notes[-1]


def test_speeds_of_several_machines_are_said_to_be_compared_and_not_corrected() -> None:
    machine = a_machine(*nodes(2))

    assert (
        "compared by the CPU of a request, and are not corrected"
        in notes(machine, place(machine.nodes, ("sync",), 2))[-1]
    )


def test_each_node_that_is_labelled_for_it_generates_a_part_of_the_load() -> None:
    labelled = (a_node(1), a_node(2, role="generator"), a_node(3, role="generator", cores=2))

    placed = place(labelled, ("gthread",), 2)

    assert where("n2", placed) == ["generator"]
    assert where("n3", placed) == ["generator:2"]
    assert where("n1", placed) == ["proxy", "metronome", "gthread-1", "gthread-2"]
    machine = a_machine(*labelled)
    assert "Each of 2 nodes generates its part of the load." in notes(machine, placed)
    assert of_generator(machine).cores == 2


def test_replicas_of_one_size_have_what_the_fullest_machine_gives_the_most() -> None:
    machine = a_machine(a_node(1, role="services"), a_node(2), a_node(3))
    pairs = ((1, 2), (16, 32))

    plans = [
        make_plan(
            Options(workers=("gthread",), replicas=pair, one_size=True),
            machine,
            backend="swarm",
            seed=1,
        )
        for pair in pairs
    ]

    cpus = [plan.budget.replica_cpus or 1.0 for plan in plans]
    assert cpus[0] == cpus[1] < 0.5
