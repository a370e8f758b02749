"""Locks that all replicas share, as what limits a cell."""

from __future__ import annotations

import pytest

from loadtests.analysis import bottleneck
from loadtests.model.plan import TrialSpec
from loadtests.model.tested.shared import SharedUse
from loadtests.model.vocabulary import Bottleneck
from tests.loadtests.analysis.shared.looks import locked, looked, sessions
from tests.loadtests.builders import make_cell, make_plan

PLAN = make_plan(replica_counts=(1, 2), rounds=6)
TWO = make_cell(replicas=2)


def judged(*looks: SharedUse) -> tuple[Bottleneck, str]:
    trials = [trial for trial in looked(PLAN, lambda _: looks) if trial.spec.cell == TWO]
    return bottleneck.judge(bottleneck.resources(PLAN, TWO, trials))


def test_sessions_that_wait_for_a_row_are_the_stores_limit_though_its_cpu_is_idle() -> None:
    kind, detail = judged(
        sessions(waiting=7, lock="row lock", statement="UPDATE stock SET n = n - 1"),
        sessions(waiting=6),
    )

    assert kind is Bottleneck.STORE
    assert detail == (
        "6.5 of 8.0 active sessions of the service db waited for a row lock (UPDATE stock SET"
        " n = n - 1); more servers will not change that."
    )


@pytest.mark.parametrize(("waiting", "limits"), [(3, False), (4, True)])
def test_half_of_the_active_sessions_have_to_wait(waiting: int, limits: bool) -> None:
    kind, _ = judged(sessions(waiting=waiting))

    assert (kind is Bottleneck.STORE) is limits


def test_a_lock_in_few_of_the_looks_limits_nothing() -> None:
    kind, _ = judged(sessions(active=2, waiting=1), *[sessions(active=0)] * 3)

    assert kind is Bottleneck.UNEXPLAINED


def test_a_file_that_replicas_lock_in_turn_is_the_limit_and_is_named() -> None:
    kind, detail = judged(locked("gthread-1"), locked("gthread-2"))

    assert kind is Bottleneck.FILE_LOCK
    assert detail == (
        "/srv/shop.db was locked by a replica at 12 of 12 looks. One process at a time can write"
        " it, and more servers will not change that."
    )


def test_files_of_one_path_in_two_containers_are_not_shared() -> None:
    kind, _ = judged(locked("gthread-1"), locked("gthread-2", identity="00:3a:77"))

    assert kind is Bottleneck.UNEXPLAINED


def test_a_file_that_one_replica_alone_locks_is_not_shared() -> None:
    assert judged(locked("gthread-1"), locked("gthread-1"))[0] is Bottleneck.UNEXPLAINED


def test_a_file_that_is_free_at_most_looks_is_no_limit() -> None:
    looks = (locked("gthread-1"), locked("gthread-2"), *[SharedUse()] * 3)

    assert judged(*looks)[0] is Bottleneck.UNEXPLAINED


def test_without_looks_there_is_nothing_to_say() -> None:
    def nothing(_: TrialSpec) -> tuple[SharedUse, ...]:
        return ()

    uses = bottleneck.resources(PLAN, TWO, looked(PLAN, nothing))

    assert not {use.kind for use in uses} & {Bottleneck.STORE, Bottleneck.FILE_LOCK}


def test_a_store_without_locks_is_no_resource_of_them() -> None:
    trials = looked(PLAN, lambda _: (sessions(program="Redis", active=0, has_locks=False),))

    names = [use.name for use in bottleneck.resources(PLAN, TWO, trials)]

    assert not [name for name in names if name.startswith("locks of")]


def test_a_row_lock_of_mysql_is_told_as_one_of_postgresql_is() -> None:
    kind, detail = judged(sessions(program="MySQL", waiting=7, lock="row lock"))

    assert kind is Bottleneck.STORE
    assert detail.startswith("7.0 of 8.0 active sessions of the service db waited for a row lock")
