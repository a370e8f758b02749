"""Users who cannot start on head: further tries, or the checks, show whether head breaks."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from loadtests.gate import result_files
from loadtests.gate.analysis import verdict
from loadtests.gate.analysis.consistency_guard import TRIES
from loadtests.gate.model.evidence import Evidence, WorkerLoad
from loadtests.gate.model.vocabulary import EndpointName, GateVerdict, SideName
from loadtests.gate.report import verdict_json
from loadtests.model.errors import Interrupted, UnusableLoad
from tests.loadtests.fakes.gate import GateWorld, gunicorn_log
from tests.loadtests.gate.builders import MACHINE, make_facts, make_gate_plan, make_side
from tests.loadtests.gate.test_own_project import run
from tests.loadtests.gate.whole_gates import Gates, verdicts


class OneStoreForBase(dict[str, list[str]]):
    """What the starts of base keep in one place, and those of head each for itself."""

    def setdefault(self, key: str, default: list[str] | None = None) -> list[str]:
        own = "base" if key.startswith("base") else key
        return super().setdefault(own, [] if default is None else default)


def no_start_with_two(world: GateWorld) -> None:
    """Let the users of head not get to their first task with two replicas."""

    def before(_: int) -> None:
        if world.trials[-1]["id"].endswith("-head-2"):
            raise UnusableLoad("Users end before their first task.")

    world.before_trial = before


def test_users_who_cannot_start_with_two_replicas_of_head_show_what_broke(
    gates: Gates, world: GateWorld
) -> None:
    world.state, world.kept = "memory", OneStoreForBase()
    no_start_with_two(world)

    result = gates.run()

    assert result.verdict is GateVerdict.REGRESSED
    assert verdicts(result)[EndpointName.ANSWERS] is GateVerdict.REGRESSED
    told = "This ended early. On head: Users end before their first task."
    assert (result.facts.differences[-1], gates.said[-1]) == (told, told)
    assert not result.facts.finished
    assert world.open == 0


@pytest.mark.parametrize("state", ["store", "memory"])
def test_where_head_is_no_worse_than_base_they_end_the_gate(
    gates: Gates, world: GateWorld, state: Any
) -> None:
    world.state = state
    no_start_with_two(world)

    with pytest.raises(UnusableLoad):
        gates.run()

    document = json.loads((gates.folder / result_files.VERDICT).read_text())
    assert document["verdict"] == "inconclusive"
    assert document["evidence"]["probes"]


# -- with one replica --------------------------------------------------------------------------


def no_start_at(world: GateWorld, failing: dict[SideName, int]) -> None:
    """Let users not begin at fresh starts of these versions, so many times."""
    left = dict(failing)

    def before(_: int) -> None:
        order = world.trials[-1]
        for index, side in enumerate(SideName):
            if order["id"].startswith("r") and f"10.1.{index}." in order["base_url"]:
                left[side] = left.get(side, 0) - 1
                if left[side] >= 0:
                    raise UnusableLoad("Users end before their first task. KeyError: 'token'")

    world.logs = dict.fromkeys(SideName, gunicorn_log("sync", 2))
    world.before_trial = before


def test_users_who_begin_on_base_and_in_no_try_on_head_are_a_regression(
    gates: Gates, world: GateWorld
) -> None:
    """Such as a login that answers 500, and a locustfile that reads a token of it."""
    no_start_at(world, {SideName.HEAD: 99})

    result = run(gates)

    (begins,) = (one for one in result.endpoints if one.endpoint is EndpointName.BEGINS)
    assert (result.verdict, begins.verdict, begins.units) == (*[GateVerdict.REGRESSED] * 2, TRIES)
    assert begins.reason == (
        "On base, users got to their first task in all 6 tries, and on head in none. On head: Users"
        " end before their first task. KeyError: 'token'"
    )
    assert result.cause == (
        "as started: gunicorn sync, 2 workers: users do not get to their first task."
    )
    assert result.facts.differences[-1].startswith("This ended early. On head: Users end")
    assert world.open == 0
    text = (gates.folder / result_files.VERDICT).read_text()
    assert verdict_json.render(verdict_json.judge(result_files.read(gates.folder))) == text


@pytest.mark.parametrize(
    ("failing", "said"),
    [
        ({SideName.HEAD: TRIES}, "On head"),
        ({SideName.BASE: 99}, "On base"),
    ],
)
def test_users_who_begin_on_head_in_one_try_or_not_on_base_decide_nothing(
    gates: Gates, world: GateWorld, failing: dict[SideName, int], said: str
) -> None:
    no_start_at(world, failing)

    with pytest.raises(UnusableLoad, match=f"^{said}: Users end before their first task"):
        run(gates)

    document = json.loads((gates.folder / result_files.VERDICT).read_text())
    assert document["verdict"] != "regressed"
    assert document["evidence"]["not_begun"] == {}


def of_tries(**evidence: Any) -> GateVerdict:
    plan = make_gate_plan()
    sides = (make_side(SideName.BASE), make_side(SideName.HEAD))
    low = WorkerLoad(worker="gthread", users=8, rate_rps=60.0, gain_ratio=0.5)
    shown = Evidence(loads=(low,), not_begun={"gthread": ("none",) * TRIES})
    facts = make_facts(finished=False)
    evidence_of_both = replace(shown, **evidence)
    return verdict.conclude(facts, MACHINE, sides, plan, evidence_of_both).verdict


def test_that_no_window_was_full_does_not_take_it_away() -> None:
    assert of_tries() is GateVerdict.REGRESSED


def test_where_a_store_refuses_connections_the_number_of_starts_may_be_why() -> None:
    assert of_tries(store_refusals={SideName.HEAD: "too many clients"}) is GateVerdict.INVALID


# -- with a signal -----------------------------------------------------------------------------


def test_a_gate_that_is_stopped_has_its_files_before_its_stack_comes_down(
    gates: Gates, world: GateWorld
) -> None:
    """A CI system kills a job some seconds after it has asked it to end."""
    found: set[str] = set()

    class Said(list[str]):
        def append(self, line: str) -> None:
            super().append(line)
            if line == "Taking the stack down":
                found.update(path.name for path in gates.folder.iterdir())

    def stop(number: int) -> None:
        if number > 60:
            raise Interrupted(15)

    gates.said, world.before_trial = Said(), stop

    with pytest.raises(Interrupted):
        gates.run()

    assert {"verdict.json", "report.html", "report.md", "junit.xml"} <= found
