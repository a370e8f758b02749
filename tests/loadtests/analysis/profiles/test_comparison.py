"""What grew with the replicas, and when the finding is called certain."""

import pytest

from loadtests.analysis.profiles.comparison import finding_of, profiles_of
from loadtests.model.profiles.records import (
    CellProfile,
    Stack,
    StoreProfile,
    StoreSession,
    Waiting,
)
from loadtests.model.profiles.results import ProfileFinding
from tests.loadtests.analysis.profiles.builders import STACKS, frame, make_profile
from tests.loadtests.builders import make_cell

FEW, MANY = make_cell(replicas=1), make_cell(replicas=4)

AT_ONE = make_profile([(0, 1, 1)] * 40, cell=FEW)
"""10 ms wait for the row, 20 ms compute."""

AT_FOUR = make_profile([(0, 0, 0, 0, 1, 1)] * 40, cell=MANY)
"""40 ms wait, 20 ms compute."""


def found(*series: CellProfile) -> ProfileFinding:
    finding = finding_of(series)
    assert finding is not None
    return finding


def test_the_line_that_grew_is_named_with_both_of_its_times() -> None:
    finding = found(AT_ONE, AT_FOUR)

    assert finding.certain
    assert finding.growth_ms is not None
    assert finding.growth_ms.estimate == pytest.approx(30.0)
    assert finding.sentence == (
        "At 4 replicas, a request spends 40 of its 60 ms in the application in"
        " /srv/shop/db.py:88 lock_row (psycopg execute), waiting for the store at 10.0.0.2:5432;"
        " at 1 it was 10 of 30 ms."
    )


def test_a_line_that_is_the_largest_but_did_not_grow_is_not_the_cause() -> None:
    small = make_profile([(1, 1, 1)] * 40, cell=FEW)
    large = make_profile([(0, 0, 1, 1, 1)] * 40, cell=MANY)

    assert found(small, large).line.name == "lock_row"


COMPUTED = STACKS[0].__class__(frames=STACKS[0].frames, kind=Waiting.CPU)
"""The same line as that of the row, while it computes."""


def test_the_kind_is_the_one_that_grew_and_not_the_one_that_the_line_mostly_has() -> None:
    stacks = (*STACKS[:2], COMPUTED)
    small = make_profile([(2,) * 4] * 40, cell=FEW, stacks=stacks)
    large = make_profile([(2,) * 4 + (0,) * 3] * 40, cell=MANY, stacks=stacks)

    finding = found(small, large)

    assert finding.certain
    assert finding.line.kind is Waiting.STORE
    assert finding.sentence == (
        "At 4 replicas, a request spends 70 of its 70 ms in the application in"
        " /srv/shop/db.py:88 lock_row (psycopg execute), of which 30 ms waiting for the store at"
        " 10.0.0.2:5432; at 1 it was 40 of 40 ms."
    )


def test_two_kinds_that_grew_alike_are_not_certain() -> None:
    stacks = (*STACKS[:2], COMPUTED)
    small = make_profile([(0, 0, 0, 0, 0, 0)] * 40, cell=FEW, stacks=stacks)
    large = make_profile([(0,) * 8 + (2,) * 2] * 40, cell=MANY, stacks=stacks, mean_ms=120.0)

    assert not found(small, large).certain


def test_where_only_lines_grew_that_are_too_many_to_be_kept_one_is_told_all_the_same() -> None:
    stacks = tuple(
        Stack(frames=(*STACKS[0].frames[:-2], frame(f"/srv/shop/a.py:{line}", "view")), kind=kind)
        for kind, lines in ((Waiting.STORE, range(30)), (Waiting.CPU, range(30, 90)))
        for line in lines
    )
    waits, computes = tuple(range(30)), tuple(range(30, 90))
    small = make_profile([waits * 4] * 12, cell=FEW, stacks=stacks, mean_ms=2000.0)
    large = make_profile([waits * 3 + computes] * 12, cell=MANY, stacks=stacks, mean_ms=2000.0)

    (finding,) = profiles_of([small, large], cpu_ms={MANY: 1.0}).findings

    assert finding.line.kind is Waiting.STORE
    assert not finding.certain


def test_a_kind_of_which_it_is_not_shown_that_it_grew_is_not_certain() -> None:
    stacks = (*STACKS[:2], COMPUTED)
    waited = (0, 4, 1, 3, 2, 0, 4, 1, 1, 2), (6, 1, 4, 5, 0, 6, 2, 5, 3, 4)
    small, large = (
        make_profile(
            [(0,) * count + (2,) * (users - count) for count in counts for _ in range(4)],
            cell=cell,
            stacks=stacks,
            mean_ms=100.0,
        )
        for counts, users, cell in zip(waited, (4, 6), (FEW, MANY), strict=True)
    )

    finding = found(small, large)

    assert finding.line.kind is Waiting.STORE
    assert finding.growth_ms is not None
    assert finding.growth_ms.low == pytest.approx(20)
    assert not finding.certain


def test_where_nothing_grew_the_line_with_most_time_is_named() -> None:
    same = make_profile([(0, 1, 1)] * 40, cell=MANY)

    finding = found(AT_ONE, same)

    assert finding.line.name == "render"
    assert finding.growth_ms is not None
    assert finding.growth_ms.estimate == 0.0


def test_two_lines_that_cannot_be_told_apart_are_not_certain() -> None:
    noisy = [(0,) * 6 if number % 8 < 4 else (1,) * 6 for number in range(40)]

    finding = found(make_profile(noisy, cell=MANY))

    assert not finding.certain
    assert " spends probably " in finding.sentence


def test_few_looks_are_not_certain() -> None:
    assert not found(make_profile([(0, 0, 0)] * 20, cell=MANY)).certain


def test_a_wait_that_the_kernel_does_not_name_is_not_certain() -> None:
    unknown = STACKS[0].__class__(frames=STACKS[0].frames, kind=Waiting.UNKNOWN)

    finding = found(make_profile([(0, 0)] * 40, cell=MANY, stacks=(unknown,)))

    assert not finding.certain
    assert "something that the kernel does not name" in finding.sentence


def test_a_cell_that_could_not_be_seen_gives_no_finding() -> None:
    unseen = make_profile([], cell=MANY, unseen="No right.")

    assert finding_of((AT_ONE, unseen)) is None
    assert [cell.unseen for cell in profiles_of((AT_ONE, unseen)).cells] == ["", "No right."]


def test_greenlets_of_which_most_cannot_be_seen_give_no_finding() -> None:
    assert finding_of((make_profile([(1,)] * 40, cell=MANY, note="Greenlets."),)) is None


def test_the_stores_side_is_told_where_requests_wait_for_it() -> None:
    sessions = (
        StoreSession(
            wait_type="Lock",
            wait_event="transactionid",
            statement="UPDATE stock SET n = n - ? WHERE id = ?",
            count=60,
        ),
        StoreSession(wait_type="", wait_event="", statement="SELECT ?", count=20),
    )
    store = StoreProfile(address="10.0.0.2:5432", looks=20, sessions=sessions)
    large = make_profile([(0, 0, 0, 0, 1, 1)] * 40, cell=MANY, store=store)

    assert found(AT_ONE, large).store == (
        "Store: 3.0 of 4.0 active sessions waited for a row lock on"
        " `UPDATE stock SET n = n - ? WHERE id = ?`."
    )


def test_each_series_has_its_finding_and_its_flame_graph() -> None:
    others = [make_cell(worker="sync", replicas=count) for count in (1, 4)]
    profiles = (
        AT_ONE,
        AT_FOUR,
        *(make_profile([(1, 1)] * 40, cell=cell) for cell in others),
    )

    told = profiles_of(profiles, {MANY: 120.0})

    assert [(found.worker, found.line.name) for found in told.findings] == [
        ("gthread", "lock_row"),
        ("sync", "render"),
    ]
    assert [cell for cell, _ in told.flames] == [MANY, others[1]]
    assert [cell.slowdown_ratio for cell in told.cells if cell.cell == MANY] == [pytest.approx(0.2)]


def test_each_larger_cell_is_compared_with_the_smallest() -> None:
    two = make_profile([(0, 0, 1, 1)] * 40, cell=make_cell(replicas=2))

    told = profiles_of((AT_ONE, two, AT_FOUR))

    assert [(found.replicas_from, found.replicas_to) for found in told.findings] == [(1, 2), (1, 4)]
    assert [found.line.ms.estimate for found in told.findings] == pytest.approx([20.0, 40.0])


def test_without_a_limit_of_requests_nothing_is_certain_where_most_time_is_not_seen() -> None:
    computing = [(1, 1)] * 40  # 20 ms
    hidden = make_profile(computing, cell=MANY, mean_ms=100.0, has_slots=False)

    assert not found(hidden).certain
    assert found(make_profile(computing, cell=MANY, mean_ms=30.0, has_slots=False)).certain
    assert found(make_profile(computing, cell=MANY, mean_ms=100.0)).certain


def test_a_cell_whose_load_was_not_steady_has_neither_finding_nor_flame_graph() -> None:
    unsteady = make_profile([(0,) * 30] * 40, cell=MANY, throughput_rps=2.0, mean_ms=250.0)

    told = profiles_of((AT_ONE, unsteady))

    assert told.findings == ()
    assert [cell for cell, _ in told.flames] == [FEW]
