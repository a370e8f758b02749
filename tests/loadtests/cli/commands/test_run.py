from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from loadtests.model import errors
from loadtests.model.plan import Plan
from tests.loadtests.cli.command_line import SMALL
from tests.loadtests.fakes import FakeBackend, World


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


def test_a_job_of_github_gets_an_annotation_and_a_summary(
    twofold: Any, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.rps, world.throttled_ratio = square_root, 0.1
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))

    ended = twofold("run", *SMALL, "--json")

    assert (ended.code, ended.document["verdict"]) == (1, "falls_short")
    assert "::error title=Load test%3A falls short::No: " in ended.stderr
    (report,) = tmp_path.glob("*/report.md")
    assert summary.read_text() == report.read_text() + "\n"


def test_elsewhere_a_run_tells_nothing_twice(twofold: Any) -> None:
    assert "::" not in twofold("run", *SMALL).stderr


def test_the_document_is_the_one_that_is_kept(twofold: Any, tmp_path: Path) -> None:
    ended = twofold("run", *SMALL, "--json")

    (folder,) = tmp_path.iterdir()
    assert (folder / "run.json").read_text() == ended.stdout


def test_an_image_that_refuses_a_worker_model_is_measured_as_it_starts(
    twofold: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    open_stack = FakeBackend.open

    def open_or_refuse(backend: FakeBackend, plan: Plan, folder: Path, say: Any) -> Any:
        if not all(worker.as_started for worker in plan.workers):
            raise errors.NotInForce(
                f"sync could not be put into force in the image. {errors.AS_IT_STARTS}",
                workers=("sync",),
            )
        return open_stack(backend, plan, folder, say)

    monkeypatch.setattr(FakeBackend, "open", open_or_refuse)
    words = ("--workers", "sync", "--replicas", "1,2", "--rounds", "4", "--seed", "1")

    ended = twofold("run", "--image", "shop:1", *words, "--json")

    assert ended.code == errors.EXIT_YES
    document = ended.document
    assert {cell["worker"] for cell in document["cells"]} == {"as-started"}
    note = "sync could not be put into force in the image. So the image is measured as it starts."
    assert note in document["notes"]
    assert note in ended.stderr
    assert document["seed"] == 1
    assert len([path for path in tmp_path.iterdir() if (path / "run.json").exists()]) == 1
    assert len(list(tmp_path.glob("*-*"))) == 1  # nothing of the first attempt is left
