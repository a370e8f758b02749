from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from loadtests.model import errors
from tests.checkout import CHECKOUT
from tests.loadtests.cli.command_line import SMALL
from tests.loadtests.fakes import World


def test_a_plan_is_printed_and_nothing_started(twofold: Any, world: World, tmp_path: Path) -> None:
    ended = twofold("plan", *SMALL)

    assert ended.code == errors.EXIT_YES
    assert "gthread" in ended.stdout
    assert (world.trials, world.open, list(tmp_path.iterdir())) == ([], 0, [])


def test_outside_of_a_checkout_it_is_said_that_the_target_is_not_ones_own(
    twofold: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = []
    for folder in (tmp_path, CHECKOUT):
        monkeypatch.chdir(folder)
        said.append("To measure your own, name it" in twofold("plan", *SMALL).stdout)

    assert said == [True, False]


def test_a_plan_is_one_json_document_too(twofold: Any) -> None:
    document = twofold("plan", *SMALL, "--json").document

    assert document["seed"] == 1
    assert len(document["rounds"]) == 4


def test_without_a_seed_one_is_chosen(twofold: Any) -> None:
    seeds = {twofold("plan", "--json").document["seed"] for _ in range(3)}

    assert len(seeds) == 3


def test_a_plan_with_latency_says_its_trials_and_how_long_they_take(twofold: Any) -> None:
    plain, asked = twofold("plan", *SMALL), twofold("plan", *SMALL, "--slo", "p99=250ms")

    assert "open loop at 50%, 70%, 90% of each cell's capacity: 4 rounds, 24 trials" in asked.stdout
    assert "p99=250ms: at most 5 more steps of 6 trials" in asked.stdout
    assert "open loop" not in plain.stdout
    longer = twofold("plan", *SMALL, "--latency", "--json").document
    assert longer["latency"]["expected_s"] == 24 * 5.5
    shorter = twofold("plan", *SMALL, "--json").document
    assert longer["expected_s"] - shorter["expected_s"] == pytest.approx(24 * 5.5)
    assert shorter["latency"] is None


def test_a_plan_says_what_of_the_generators_ceiling_the_last_run_needed(twofold: Any) -> None:
    before = twofold("plan", *SMALL)
    twofold("run", *SMALL)
    after = twofold("plan", *SMALL)

    first = "its ceiling is measured first. No earlier run here of this target and load has"
    assert first in before.stdout
    assert "ceiling of 20000 requests/s in run" in after.stdout
    assert "gthread cpu ×2 needed the largest share: 0.5 %" in after.stdout
    noted = twofold("plan", *SMALL, "--json").document["notes"]
    assert any("ceiling of 20000" in note for note in noted)


def test_a_run_of_another_load_tells_nothing_of_the_ceiling(twofold: Any) -> None:
    twofold("run", *SMALL)
    twofold("run", *SMALL, "--workload", "io")
    ran = twofold("plan", *SMALL, "--json").document["notes"]
    other = twofold("plan", *SMALL, "--request", "GET /cpu", "--json").document["notes"]

    assert any("ceiling of 20000" in note and "gthread cpu" in note for note in ran)
    assert any("No earlier run here of this target and load" in note for note in other)


def test_a_run_whose_start_is_no_time_tells_nothing_of_the_ceiling(
    twofold: Any, world: World, tmp_path: Path
) -> None:
    def before_trial(count: int) -> None:
        if count == 6:
            raise errors.Interrupted(signal.SIGINT)

    world.before_trial = before_trial
    twofold("run", *SMALL)
    (file,) = tmp_path.glob("*/plan.json")
    plan = json.loads(file.read_text())
    plan["facts"]["started_at"] = "yesterday"
    file.write_text(json.dumps(plan))

    ended = twofold("plan", *SMALL)

    assert (ended.code, ended.stderr) == (errors.EXIT_YES, "")
    assert "No earlier run here of this target and load has" in ended.stdout


def test_the_profile_trials_are_in_the_plan_and_in_its_duration(twofold: Any) -> None:
    with_profile = twofold("plan", "--workers", "gthread", "--json").document
    without = twofold("plan", "--workers", "gthread", "--no-profile", "--json").document

    assert without["profile"] is None
    assert with_profile["profile"]["replica_counts"] == [1, 2, 4]
    seconds = with_profile["expected_s"] - without["expected_s"]
    assert seconds == pytest.approx(with_profile["profile"]["expected_s"])
    assert "Profile    at 1, 2, 4 replicas" in twofold("plan", "--workers", "gthread").stdout


def test_a_quick_run_has_no_profile_trials_unless_they_are_asked_for(twofold: Any) -> None:
    assert twofold("plan", "--quick", "--json").document["profile"] is None
    assert twofold("plan", "--quick", "--profile", "--json").document["profile"] is not None


def test_a_plan_says_what_is_wrong_with_a_locustfile_before_anything_is_started(
    twofold: Any, tmp_path: Path
) -> None:
    file = tmp_path / "locustfile.py"
    file.write_text(
        "from locust import HttpUser, task\n"
        "class Shop(HttpUser):\n"
        "    @task\n"
        '    def logo(self): self.client.get("https://example.com/logo.png")\n'
    )

    ended = twofold("plan", "shop:app", "--locustfile", str(file))

    assert ended.code == errors.EXIT_USAGE
    assert "locustfile.py:4" in ended.stderr
    assert "example.com" in ended.stderr
