"""``twofold run --until``, over a stack in memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from loadtests.model import errors
from tests.loadtests.fakes import World

ONE = ("--workers", "gthread", "--workload", "cpu", "--rounds", "2", "--no-profile")


def test_the_answer_is_one_sentence_and_each_doubling_a_run(
    twofold: Any, world: World, tmp_path: Path
) -> None:
    def stops_at_two(order: Any, members: Sequence[str]) -> float:
        return 50.0 * min(len(members), 2)

    world.rps, world.throttled_ratio = stops_at_two, 0.3

    ended = twofold("run", "--until", *ONE)

    assert ended.code == errors.EXIT_YES
    assert " ".join(ended.stdout.split()).startswith(
        "Up to 2 replicas of 0.05 CPU each, 100 requests/s; 4 gain"
    )
    assert len(list(tmp_path.iterdir())) == 2


def test_a_job_of_github_gets_the_answer_and_a_summary(
    twofold: Any, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.rps, world.throttled_ratio = (lambda _, members: 50.0 * min(len(members), 2)), 0.3
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))

    ended = twofold("run", "--until", *ONE)

    assert ended.code == errors.EXIT_YES
    told = "::notice title=Load test%3A how far it scales::Up to 2 replicas of 0.05 CPU each"
    assert told in ended.stderr
    title, _, answer, *_, one, two = summary.read_text().strip().split("\n")
    assert title == "## Twofold: how far it scales"
    assert answer.startswith("Up to 2 replicas of 0.05 CPU each")
    assert [line.split(" | ")[0] for line in (one, two)] == ["| 1 → 2", "| 2 → 4"]


def test_a_wanted_rate_implies_it_and_json_has_the_steps(twofold: Any) -> None:
    ended = twofold("run", "--for-rps", "150", *ONE, "--json")

    assert ended.code == errors.EXIT_YES
    assert ended.document["replicas_for"] == 4
    assert ended.document["ended"] == "machine"
    assert [step["replicas_to"] for step in ended.document["steps"]] == [2, 4, 8]
    assert [step["replica_cpus"] for step in ended.document["steps"]] == [0.05, 0.05, 0.05]


def test_several_variants_are_refused_before_anything_is_measured(
    twofold: Any, world: World
) -> None:
    ended = twofold("run", "--until")

    assert ended.code == errors.EXIT_USAGE
    assert "--workers gthread" in ended.stderr
    assert world.trials == []


def test_numbers_of_replicas_are_its_own_to_find(twofold: Any) -> None:
    ended = twofold("run", "--until", "--replicas", "1,2")

    assert ended.code == errors.EXIT_USAGE
    assert "Leave out --replicas" in " ".join(ended.stderr.split())
