"""A store that has no connection left for all the starts of a gate: no answer, and why."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from loadtests.gate.model.result import GateResult
from loadtests.gate.model.vocabulary import EndpointName, GateVerdict, SideName
from loadtests.gate.report import junit, markdown, verdict_json
from loadtests.model.errors import UnusableLoad, UsageError
from loadtests.model.vocabulary import RuleCode
from tests.loadtests.fakes import Order
from tests.loadtests.fakes.gate import GateWorld, gunicorn_log, put_in_memory, slower_head
from tests.loadtests.gate.test_early_end import OneStoreForBase
from tests.loadtests.gate.test_own_project import run
from tests.loadtests.gate.whole_gates import Gates, verdicts

REFUSED = "FATAL:  sorry, too many clients already"
STORE = {side: (f"with-{side}-db",) for side in SideName}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> GateWorld:
    made = GateWorld(rps=slower_head(0.0), stores=STORE)
    made.logs = dict.fromkeys(SideName, gunicorn_log("sync", 8))
    put_in_memory(monkeypatch, made)
    return made


def last_starts_fail(order: Order, members: Sequence[str]) -> tuple[int, int]:
    """Let the users of head's last four starts fail: 12 × 8 workers have all 100 connections."""
    users = order.get("users", 0)
    lane_number = int(members[0].rpartition("-")[2])
    return users, users if members[0].startswith("head") and lane_number > 6 else 0


def both_refuse(world: GateWorld) -> None:
    world.member_logs |= {f"with-{side}-db": REFUSED for side in SideName}


def warnings(result: GateResult) -> str:
    return " ".join(finding.detail for finding in result.findings if finding.warning)


def test_a_head_whose_last_starts_get_no_connection_where_base_has_none_either_is_no_regression(
    gates: Gates, world: GateWorld
) -> None:
    world.starts = last_starts_fail
    both_refuse(world)

    result = run(gates)

    assert result.verdict is GateVerdict.INVALID
    assert [finding.code for finding in result.findings if not finding.warning] == [RuleCode.ERRORS]
    lines = f"base: {REFUSED}; head: {REFUSED}"
    assert f"A store refused connections, so its starts cannot be judged ({lines})." in (
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


@pytest.mark.parametrize("refusing", [("base",), ("head",), ("base", "head")])
def test_a_slower_head_is_no_regression_where_a_store_refused_connections(
    gates: Gates, world: GateWorld, refusing: tuple[str, ...]
) -> None:
    world.rps = slower_head(0.1)
    world.member_logs |= {f"with-{side}-db": REFUSED for side in refusing}

    assert run(gates).verdict is GateVerdict.INVALID


def test_a_head_that_opens_more_connections_than_base_is_told_so(
    gates: Gates, world: GateWorld
) -> None:
    """Base's store took as many starts; but two servers of head may have enough of them."""
    world.starts = last_starts_fail
    world.member_logs["with-head-db"] = REFUSED

    result = run(gates)

    assert result.verdict is GateVerdict.INVALID
    assert EndpointName.ERRORS not in verdicts(result)
    assert (
        f"Head's store refused connections ({REFUSED}). Base's did not, with as many starts. So"
        " head opens more connections than base, or leaks them." in result.reason
    )
    assert "max_connections=1000" in result.reason
    assert "opens more connections than base" in markdown.render(result)
    assert "<failure" not in junit.render(result)
    text = verdict_json.render(result)
    assert verdict_json.render(verdict_json.judge(verdict_json.parse(text, name="it"))) == text


@pytest.mark.parametrize("has_store", [True, False])
def test_a_line_of_a_start_of_head_takes_no_regression_away(
    gates: Gates, world: GateWorld, *, has_store: bool
) -> None:
    world.rps = slower_head(0.1)
    world.member_logs["head-b-8"] = "upstream.Error: too many connections"
    world.stores = STORE if has_store else {}

    result = run(gates)

    assert result.verdict is GateVerdict.REGRESSED
    told = "A start of head says that a store refused connections (upstream.Error: too many"
    assert (told in warnings(result)) is has_store


def test_a_slower_head_is_no_regression_where_the_starts_of_base_say_that_their_store_is_full(
    gates: Gates, world: GateWorld
) -> None:
    """MySQL does not write down whom it refuses."""
    world.rps = slower_head(0.1)
    line = "pymysql.err.OperationalError: (1040, 'Too many connections')"
    world.member_logs |= {"base-b-8": line, "head-b-8": line}

    assert run(gates).verdict is GateVerdict.INVALID


def test_wrong_answers_of_a_head_may_not_be_its_own_where_stores_refused_connections(
    gates: Gates, world: GateWorld
) -> None:
    world.state = "memory"
    world.kept = OneStoreForBase()
    shown = gates.run()
    world.member_logs["with-head-db"] = REFUSED
    alone = gates.run()
    both_refuse(world)
    hidden = gates.run()

    assert shown.verdict is GateVerdict.REGRESSED
    assert [alone.verdict, hidden.verdict] == [GateVerdict.INVALID] * 2


def test_where_all_is_well_a_refusal_that_harmed_nothing_changes_nothing(
    gates: Gates, world: GateWorld
) -> None:
    both_refuse(world)

    assert run(gates).verdict is GateVerdict.PASS


def test_users_who_cannot_begin_for_want_of_connections_are_told_what_to_do(
    gates: Gates, world: GateWorld
) -> None:
    both_refuse(world)

    def end(_: int) -> None:
        if world.trials[-1]["id"].startswith("r013"):
            raise UnusableLoad("Users end before their first task.")

    world.before_trial = end

    with pytest.raises(UnusableLoad, match=r"task\. A store refused connections.*smaller pool"):
        run(gates)


@pytest.mark.parametrize("refusing", [("head",), ("base", "head")])
def test_a_gate_whose_store_refused_connections_is_not_continued(
    gates: Gates, world: GateWorld, refusing: tuple[str, ...]
) -> None:
    world.rps = slower_head(0.1)
    world.member_logs |= {f"with-{side}-db": REFUSED for side in refusing}
    before = gates.run()
    world.member_logs.clear()

    with pytest.raises(UsageError, match=r"a store refused connections there.*Start a new gate\."):
        gates.run(append=before)


def test_a_gate_in_which_only_a_start_of_head_said_so_is_continued(
    gates: Gates, world: GateWorld
) -> None:
    world.rps = slower_head(0.1)
    world.member_logs["head-b-8"] = "upstream.Error: too many connections"

    assert gates.run(append=gates.run()).evidence.sessions == 2
