"""The ends of runs on a Swarm: what is looked for, and what counts as held. Nothing is started."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from loadtests.environments.swarm import stacks
from loadtests.model.errors import ProcessFailure, UsageError
from loadtests.tools import proc
from loadtests.tools.proc import Completed
from scripts import swarm_ends
from scripts.swarm_ends import BY_NAME, PHASES, SIGNALS

NODES = {"one": "unix:///1.sock", "two": "unix:///2.sock"}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that only pauses move; its time is the list's only entry."""
    now = [100.0]

    def pause(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(proc, "monotonic_s", lambda: now[0])
    monkeypatch.setattr(proc, "sleep", pause)
    return now


def until(clock: list[float], thing: str, *spans: tuple[float, float]) -> swarm_ends.Left:
    """Return what is there in these spans of seconds after the signal."""

    def look() -> list[str]:
        at_s = clock[0] - 100.0
        return [thing] if any(start <= at_s < end for start, end in spans) else []

    return look


def followed(clock: list[float], there: Sequence[float], runs: float) -> swarm_ends.Followed:
    spans = list(zip(there[::2], there[1::2], strict=True))
    return swarm_ends.follow(
        until(clock, "service s on one", *spans),
        until(clock, "process 7", (0.0, runs)),
        since_s=100.0,
    )


def test_an_end_is_held_when_the_nodes_are_empty_in_time_and_all_has_ended(
    clock: list[float],
) -> None:
    end = followed(clock, (0.0, 8.0), runs=20.0)

    assert end.held
    assert end.left == ()
    assert end.gone_s == pytest.approx(8.0, abs=0.4)
    assert end.ended_s == pytest.approx(20.0, abs=0.4)


@pytest.mark.parametrize(
    ("there", "runs", "left"),
    [
        ((0.0, 1000.0), 3.0, ("service s on one",)),  # it stays
        ((0.0, 45.0), 50.0, ()),  # it goes, and too late
        ((0.0, 2.0, 40.0, 1000.0), 42.0, ("service s on one",)),  # it comes back
        ((0.0, 2.0), 1000.0, ("process 7",)),  # a process stays
    ],
)
def test_an_end_is_not_held_otherwise(
    clock: list[float], there: Sequence[float], runs: float, left: tuple[str, ...]
) -> None:
    end = followed(clock, there, runs=runs)

    assert not end.held
    assert end.left == left


class Docker:
    """A client that lists what it was told to, by engine and words, and notes what it was asked."""

    def __init__(self, lists: dict[tuple[str, str], str]) -> None:
        self.lists = lists
        self.asked: list[tuple[str, ...]] = []

    def __call__(self, argv: Sequence[str], **_: Any) -> Completed:
        words = tuple(argv)
        self.asked.append(words)
        address, kind = words[2], words[3]
        if (address, "silent") in self.lists:
            raise ProcessFailure("no answer")
        by_label = any(word.startswith("label=") for word in words)
        text = self.lists.get((address, kind), "") if by_label or "image" in words else ""
        return Completed(argv=words, code=0, stdout=text, stderr="")


def test_all_kinds_are_looked_for_on_all_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = NODES.values()
    lists = {(one, "service"): "twfs-1_proxy\n", (one, "secret"): "s\n", (two, "ps"): "a\nb\n"}
    client = Docker(lists | {(two, "network"): "twfs-1_stack\n"})
    monkeypatch.setattr(proc, "run", client)

    assert swarm_ends.objects(NODES) == [
        "service twfs-1_proxy on one",
        "secret s on one",
        "container a on two",
        "container b on two",
        "network twfs-1_stack on two",
    ]
    kinds = {(words[2], words[3]) for words in client.asked}
    of_nodes = {(address, kind) for address in (one, two) for kind in ("ps", "network", "volume")}
    assert kinds == {(one, "service"), (one, "config"), (one, "secret"), *of_nodes}


def test_an_engine_that_does_not_answer_is_never_taken_for_an_empty_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(proc, "run", Docker({(NODES["two"], "silent"): ""}))

    assert swarm_ends.objects(NODES) == ["the engine of two does not answer: no answer"]


def test_only_the_images_that_runs_have_named_are_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    two = NODES["two"]
    client = Docker({(two, "image"): "127.0.0.1:1/twofold:abc\nshop:1\n127.0.0.1:5000/twofold:1\n"})
    monkeypatch.setattr(proc, "run", client)

    swarm_ends.forget_images(NODES)

    removed = [words for words in client.asked if "rm" in words]
    assert removed == [("docker", "--host", two, "image", "rm", "127.0.0.1:1/twofold:abc")]


def test_there_are_eighteen_ends_and_stacks_have_the_names_that_are_looked_for() -> None:
    assert len(PHASES) * len(SIGNALS) == 18
    assert len(BY_NAME) == len(PHASES)
    assert stacks.stack_name("r").startswith(swarm_ends.STACKS)


def a_row(**fields: Any) -> dict[str, Any]:
    return {"signal": "INT", "phase": "down", "held": True, "failure": None, **fields}


def test_rows_are_kept_but_for_those_whose_phase_never_came(tmp_path: Path) -> None:
    out = tmp_path / "new" / "ends.json"
    rows = [
        a_row(),
        a_row(phase="window", held=False, failure="it ended before"),
        a_row(held=False),
    ]

    swarm_ends.write(out, rows)

    assert {name: json.loads(out.read_text())[name] for name in ("tried", "held")} == {
        "tried": 3,
        "held": 1,
    }
    assert [row["phase"] for row in swarm_ends.rows_in(out)] == ["down", "down"]
    assert swarm_ends.rows_in(tmp_path / "none.json") == []


def test_unknown_phases_and_nodes_without_an_address_are_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        swarm_ends.parse(["--node", "one=u", "--phases", "windows"])
    assert "windows: there are images, services" in capsys.readouterr().err
    with pytest.raises(UsageError, match="--node 'two' has no address"):
        swarm_ends.nodes_of(["one=unix:///1.sock", "two"])
