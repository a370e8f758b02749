"""What a deployment asks of the engine, which is played by a record of containers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from loadtests.model.errors import EnvironmentFailure
from scripts.own_deployment import containers, state
from scripts.own_deployment.state import Member
from tests.scripts.own_deployment.test_state import a_member, a_state, an_order


class Engine:
    """Containers and networks by their names; it notes each command."""

    def __init__(self) -> None:
        self.there: list[str] = []
        self.networks: list[str] = []
        self.asked: list[tuple[str, ...]] = []

    def __call__(self, *words: str, check: bool = True) -> str:
        self.asked.append(words)
        if words[0] == "run":
            self.there.append(words[words.index("--name") + 1])
            return f"{self.there[-1]}\n"
        if words[0] == "rm":
            self.there = [name for name in self.there if name not in words]
        if words[:2] == ("network", "create"):
            self.networks.append(words[-1])
        if words[:2] == ("network", "rm"):
            self.networks = [name for name in self.networks if name not in words]
        if words[0] == "ps":
            return "\n".join(self.there)
        return "\n".join(self.networks) if words[:2] == ("network", "ls") else ""

    def ran(self, name: str) -> tuple[str, ...]:
        """Return the words with which a container was started last."""
        return [words for words in self.asked if words[0] == "run" and name in words][-1]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    played = Engine()

    def places(names: Sequence[str]) -> list[tuple[int, str]]:
        return [(1, "172.20.0.9") for _ in names]

    def member(number: int, container: str, place: tuple[int, str]) -> Member:
        return a_member(number=number, container=container, address=f"{place[1]}:8000")

    monkeypatch.setattr(containers, "_docker", played)
    monkeypatch.setattr(containers, "_places", places)
    monkeypatch.setattr(containers, "_member", member)
    monkeypatch.setattr(containers, "_settle", lambda _: None)
    monkeypatch.setattr(containers, "_pass_on", lambda *_, **__: None)
    monkeypatch.setattr(containers, "CALM_S", 0.0)
    return played


def test_it_comes_up_with_one_replica_scales_both_ways_and_goes_without_a_trace(
    engine: Engine, tmp_path: Path
) -> None:
    name = an_order().name

    containers.bring_up(an_order(), tmp_path)
    assert engine.there == [f"{name}-proxy", f"{name}-probe", f"{name}-1"]

    containers.scale(tmp_path, 4)
    assert [each.number for each in state.read(tmp_path).members] == [1, 2, 3, 4]
    containers.scale(tmp_path, 2)
    assert [each.number for each in state.read(tmp_path).members] == [1, 2]
    assert engine.there == [f"{name}-{what}" for what in ("proxy", "probe", "1", "2")]

    containers.remove(name, tmp_path)
    assert (engine.there, engine.networks) == ([], [])
    with pytest.raises(EnvironmentFailure, match="no deployment"):
        containers.scale(tmp_path, 4)


def test_a_replica_has_the_budget_and_the_cores_that_it_was_ordered_with(
    engine: Engine, tmp_path: Path
) -> None:
    containers.bring_up(an_order(), tmp_path)

    words = engine.ran(f"{an_order().name}-1")
    assert words[words.index("--cpuset-cpus") + 1] == "1"
    assert words[-1] == "sha256:1"
    assert "WORKER_MODEL=sync" in words
    assert ("update", "--cpus=0.1", f"{an_order().name}-1") in engine.asked
    proxy = engine.ran(f"{an_order().name}-proxy")
    assert proxy[proxy.index("--cpuset-cpus") + 1] == "0"
    assert not any(word.startswith("--cpus=") for word in proxy)


def test_a_replica_that_has_ended_is_started_anew(engine: Engine, tmp_path: Path) -> None:
    ended = a_member(number=2, container="old", started="another time")
    state.write(tmp_path, a_state(a_member(container="kept"), ended))

    containers.scale(tmp_path, 2)

    name = an_order().name
    assert [each.container for each in state.read(tmp_path).members] == ["kept", f"{name}-2"]
    assert ("rm", "--force", "--volumes", "old") in engine.asked


def test_what_campaigns_that_were_killed_have_left_is_removed_and_nothing_else(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead, unknown = f"1/2/{'0' * 8}/", "somebody"
    monkeypatch.setattr(containers, "_owners", lambda: {"a": dead, "b": unknown})
    removed: list[str] = []
    monkeypatch.setattr(containers, "_remove", removed.append)

    containers.remove_dead(lambda _: None)

    assert removed == ["a"]
