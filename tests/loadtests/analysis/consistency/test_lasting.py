"""Whose users may lose their sessions to one another."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loadtests.analysis.consistency.lasting import losing_sessions
from loadtests.model.consistency import ProbeKind, ProbeState
from loadtests.model.tested.workload import Locustfile, RequestSpec, Workload
from tests.loadtests.builders import make_plan, make_probe, make_trials

PLAN = make_plan()
HERE = ("gthread", "cpu")
ENDS = make_probe(kind=ProbeKind.SESSION, state=ProbeState.NOTE, workload="cpu")
NAMES = tuple(f"user{number}" for number in range(64))


def losing(workload: Workload, *, users: int = 16) -> frozenset[tuple[str, str]]:
    plan = replace(PLAN, workloads=(replace(workload, name="cpu"),))
    trials = [replace(trial, users=users) for trial in make_trials(plan)]
    return losing_sessions([ENDS], plan, trials)


def logging_in(**form: str) -> Workload:
    start = RequestSpec(method="POST", path="/login", form=form)
    values = {"user": NAMES, "team": NAMES[:3]}
    return Workload(name="own", path="/", start=(start,), values=values)


@pytest.mark.parametrize(
    ("workload", "users", "is_losing"),
    [
        (logging_in(user="{user}"), 64, False),
        (logging_in(user="{user}"), 65, True),
        (logging_in(user="{user}", team="{team}"), 16, True),
        (logging_in(user="ada"), 2, True),
        (Workload(name="own", path="/", locustfile=Locustfile(path="/locustfile.py")), 2, True),
    ],
)
def test_users_with_an_account_each_lose_none(
    workload: Workload, users: int, *, is_losing: bool
) -> None:
    assert losing(workload, users=users) == ({HERE} if is_losing else set())


def test_without_a_session_that_ended_nobody_does() -> None:
    other = replace(ENDS, kind=ProbeKind.ANSWER)

    assert losing_sessions([other], PLAN, make_trials(PLAN)) == set()
    assert losing_sessions([ENDS], PLAN, []) == set()
