"""The arithmetic of a store's connections."""

from __future__ import annotations

from loadtests.analysis.shared import connections
from loadtests.model.tested.shared import SharedUse
from loadtests.model.vocabulary import Bottleneck
from loadtests.report.text import advice
from tests.loadtests.analysis.shared.looks import looked, sessions
from tests.loadtests.builders import make_plan, make_result

PLAN = make_plan(replica_counts=(1, 2), rounds=4)
EIGHT = sessions(connections=16, most=20, by_replica={"gthread-1": 8, "gthread-2": 7})


def known(*looks: SharedUse) -> connections.Connections | None:
    return connections.of(looked(PLAN, lambda _: looks))


def test_the_most_that_one_replica_had_is_what_each_wants() -> None:
    found = known(EIGHT, sessions(connections=9, most=20, by_replica={"gthread-1": 7}))

    assert found == connections.Connections(member="db", per_replica=8, used=16, most=20)
    assert found.wanted(4) == 32


def test_clients_that_cannot_be_told_apart_are_divided_by_the_fewest_replicas() -> None:
    found = known(sessions(connections=10, most=20))

    assert found is not None
    assert found.per_replica == 10


def test_behind_a_pooler_nobody_knows_what_a_replica_wants() -> None:
    assert known(sessions(connections=20, most=100, elsewhere=20)) is None


def test_another_client_beside_the_replicas_changes_nothing() -> None:
    beside = sessions(connections=9, most=20, by_replica={"gthread-1": 8}, elsewhere=1)

    found = known(beside)

    assert found is not None
    assert found.per_replica == 8


def test_connections_that_the_server_keeps_for_superusers_are_not_there_for_replicas() -> None:
    seen = sessions(connections=8, most=20, by_replica={"gthread-1": 8}, reserved=3)

    found = known(sessions(connections=0, most=20), seen)

    assert found is not None
    assert found.most == 17
    use = connections.use(looked(PLAN, lambda _: (seen,)), 2, found)
    assert use is not None
    assert use.detail.startswith("16 of the 17 connections of db were wanted")


def test_without_a_limit_nothing_is_known() -> None:
    assert known(sessions()) is None


def test_the_stores_limit_of_a_sample_run_grows_with_the_plan_and_is_no_limit() -> None:
    assert known(sessions(member="store", most=20)) is None


def test_what_is_refused_has_its_figures() -> None:
    found = known(sessions(connections=20, most=20, by_replica={"gthread-1": 8}))

    assert connections.refused(found, 4) == (
        ": 20 of 20 in use, 32 wanted (8 for each of 4 replicas)"
    )
    assert connections.refused(None, 4) == ""


def test_the_next_doubling_is_worked_out() -> None:
    trials = looked(PLAN, lambda _: (EIGHT,))

    steps = advice.next_steps(make_result(PLAN, trials))

    assert any(
        step.startswith("Limit of the next doubling: the connections of db would saturate at about")
        and "16 of the 20 connections of db were wanted, 8 for each replica" in step
        for step in steps
    ), steps


def test_more_than_there_are_is_a_limit() -> None:
    trials = looked(PLAN, lambda _: (EIGHT,))

    use = connections.use(trials, 4, connections.of(trials))

    assert use is not None
    assert (use.kind, use.full) == (Bottleneck.CONNECTIONS, True)
