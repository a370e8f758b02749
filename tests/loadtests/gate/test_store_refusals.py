"""A store that has no connection left for all the starts of a gate: no answer, and why."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from loadtests.gate.model import EndpointName, GateVerdict, SideName
from loadtests.gate.report import junit, markdown, verdict_json
from loadtests.model.errors import UnusableLoad
from loadtests.model.vocabulary import RuleCode
from tests.loadtests.fakes import Order
from tests.loadtests.fakes.gate import GateWorld, gunicorn_log, put_in_memory, slower_head
from tests.loadtests.gate.test_early_end import OneStoreForBase
from tests.loadtests.gate.test_own_project import run
from tests.loadtests.gate.test_pipeline import Gates, verdicts

REFUSED = "FATAL:  sorry, too many clients already"
STORE = {side: (f"with-{side}-db",) for side in SideName}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> GateWorld:
    made = GateWorld(rps=slower_head(0.0), stores=STORE)
    made.logs = dict.fromkeys(SideName, gunicorn_log("sync", 8))
    put_in_memory(monkeypatch, made)
    return made


@pytest.fixture
def gates(tmp_path: Path, world: GateWorld) -> Gates:
    return Gates(tmp_path)


def last_starts_fail(order: Order, members: Sequence[str]) -> tuple[int, int]:
    """Let the users of head's last four starts fail: 12 × 8 workers have all 100 connections."""
    users = order.get("users", 0)
    lane_number = int(members[0].rpartition("-")[2])
    return users, users if members[0].startswith("head") and lane_number > 6 else 0


def test_a_head_whose_last_starts_get_no_connection_is_no_regression(
    gates: Gates, world: GateWorld
) -> None:
    world.starts = last_starts_fail
    world.member_logs["with-head-db"] = REFUSED

    result = run(gates)

    assert result.verdict is GateVerdict.INVALID
    assert [finding.code for finding in result.findings if not finding.warning] == [RuleCode.ERRORS]
    assert f"A store refused connections, so its starts cannot be judged (head: {REFUSED})." in (
        result.reason
    )
    assert "max_connections=1000" in result.reason
    assert EndpointName.ERRORS not in verdicts(result)
    assert "regressed" not in markdown.render(result).splitlines()[0]
    assert "<failure" not in junit.render(result)
    text = verdict_json.render(result)
    assert verdict_json.render(verdict_json.judge(verdict_json.parse(text, name="it"))) == text


def test_a_head_whose_starts_fail_by_themselves_has_regressed(
    gates: Gates, world: GateWorld
) -> None:
    world.starts = last_starts_fail
    world.member_logs["with-head-db"] = "ERROR: relation users does not exist"

    assert run(gates).verdict is GateVerdict.REGRESSED


def test_a_slower_head_whose_store_refused_connections_is_no_regression(
    gates: Gates, world: GateWorld
) -> None:
    world.rps = slower_head(0.1)
    world.member_logs["with-head-db"] = REFUSED

    assert run(gates).verdict is GateVerdict.INVALID


def test_wrong_answers_of_a_head_whose_store_refused_connections_are_none_of_its_own(
    gates: Gates, world: GateWorld
) -> None:
    world.state = "memory"
    world.kept = OneStoreForBase()
    shown = gates.run()
    world.member_logs["with-head-db"] = REFUSED
    hidden = gates.run()

    assert (shown.verdict, hidden.verdict) == (GateVerdict.REGRESSED, GateVerdict.INVALID)


def test_where_all_is_well_a_refusal_that_harmed_nothing_changes_nothing(
    gates: Gates, world: GateWorld
) -> None:
    world.member_logs["with-head-db"] = REFUSED

    assert run(gates).verdict is GateVerdict.PASS


def test_users_who_cannot_begin_for_want_of_connections_are_told_what_to_do(
    gates: Gates, world: GateWorld
) -> None:
    world.member_logs["with-head-db"] = REFUSED

    def end(_: int) -> None:
        if world.trials[-1]["id"].startswith("r013"):
            raise UnusableLoad("Users end before their first task.")

    world.before_trial = end

    with pytest.raises(UnusableLoad, match=r"task\. A store refused connections.*smaller pool"):
        run(gates)
