"""Users who cannot start with two replicas of head: the checks show whether head breaks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from loadtests.gate import result_files
from loadtests.gate.model import EndpointName, GateVerdict
from loadtests.model.errors import UnusableLoad
from tests.loadtests.fakes.gate import GateWorld, put_in_memory, slower_head
from tests.loadtests.gate.test_pipeline import Gates, verdicts


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> GateWorld:
    made = GateWorld(rps=slower_head(0.0))
    put_in_memory(monkeypatch, made)
    return made


@pytest.fixture
def gates(tmp_path: Path, world: GateWorld) -> Gates:
    return Gates(tmp_path)


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
