from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from loadtests.model import errors
from tests.loadtests.cli.command_line import SMALL
from tests.loadtests.fakes import World


def square_root(_: Any, members: Sequence[str]) -> float:
    return float(50 * len(members) ** 0.5)


def flat(_: Any, members: Sequence[str]) -> float:
    return 50.0 if members else 0.0


def test_a_run_that_scales_is_exit_code_0_and_tells_its_factors(twofold: Any) -> None:
    ended = twofold("run", *SMALL)

    assert ended.code == errors.EXIT_YES
    assert "2.00" in ended.stdout
    assert "Waiting for 2 replicas to answer" in ended.stderr


@pytest.mark.parametrize(
    ("rps", "verdict", "code"),
    [(square_root, "falls_short", 1), (flat, "no_gain", 1)],
)
def test_a_run_that_does_not_scale_is_exit_code_1(
    twofold: Any, world: World, rps: Any, verdict: str, code: int
) -> None:
    world.rps = rps
    world.throttled_ratio = 0.1  # the replicas wait for something they share

    ended = twofold("run", *SMALL, "--json")

    assert (ended.code, ended.document["verdict"]) == (code, verdict)


def test_a_run_that_cannot_tell_is_exit_code_3(twofold: Any, world: World) -> None:
    rng = Random(1)
    world.rps = lambda _, members: 45.0 * len(members) * rng.lognormvariate(0, 0.3)

    ended = twofold("run", *SMALL, "--json")

    assert (ended.code, ended.document["verdict"]) == (3, "inconclusive")


def test_a_run_of_something_else_than_the_system_is_exit_code_3(twofold: Any, world: World) -> None:
    world.rps = lambda order, _: 20 * order["users"] ** 0.2
    world.throttled_ratio = 0.1

    ended = twofold("run", *SMALL, "--json")

    assert (ended.code, ended.document["verdict"]) == (3, "invalid")
    assert {found["code"] for found in ended.document["invalid"]} == {"not_saturated"}


def test_json_is_one_document_alone_on_standard_output(twofold: Any) -> None:
    ended = twofold("run", *SMALL, "--json")

    assert ended.document["schema_version"] == 1
    assert ended.document["rounds"] == 4
    assert "Backend fake: for a test" in ended.stderr


def test_the_document_is_the_one_that_is_kept(twofold: Any, tmp_path: Path) -> None:
    ended = twofold("run", *SMALL, "--json")

    (folder,) = tmp_path.iterdir()
    assert (folder / "run.json").read_text() == ended.stdout
