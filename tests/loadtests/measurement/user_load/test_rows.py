"""Which accounts the users of a trial have."""

from __future__ import annotations

from dataclasses import replace

from loadtests.measurement.user_load.rows import first_row, of_users
from loadtests.model.generator_records import Load
from loadtests.model.plan import Cell
from tests.loadtests.builders import make_plan

LOAD = Load(
    id="r1",
    base_url="http://proxy:9001",
    path="/",
    settle_s=0.5,
    window_s=2.0,
    drain_limit_s=15.0,
    users=6,
    start=({"path": "/login"},),
)
SPEC = make_plan().rounds[0][0]


def rows(*members: int, users_each: int = 6) -> set[int]:
    cell = Cell(worker="gthread", workload="own", replicas=len(members))
    load = replace(LOAD, users=users_each * len(members))
    first = first_row(replace(SPEC, cell=cell, members=members), load)
    assert first is not None
    assert load.users is not None
    return set(range(first, first + load.users))


def test_one_replica_has_the_accounts_of_all_once_each_had_its_turn() -> None:
    alone = [rows(number) for number in (1, 2, 3, 4)]

    assert set().union(*alone) == rows(1, 2, 3, 4)
    assert rows(1, 2) | rows(3, 4) == rows(1, 2, 3, 4)


def test_users_without_a_login_keep_no_row() -> None:
    assert first_row(SPEC, replace(LOAD, start=None)) is None
    assert first_row(SPEC, replace(LOAD, users=None)) is None


def test_users_log_in_anew_where_another_login_ends_their_session() -> None:
    listed = replace(LOAD, requests=({"path": "/"},))
    here = {(SPEC.cell.worker, SPEC.cell.workload)}

    assert of_users(SPEC, listed, here).fresh_users
    assert of_users(SPEC, listed, here).first_row == first_row(SPEC, listed)
    assert of_users(SPEC, listed, {("sync", "own")}).fresh_users is None
    assert of_users(SPEC, LOAD, here).fresh_users is None  # of a path alone, nobody logs in
