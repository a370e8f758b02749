"""The campaign's rows, and other rules on the same starts."""

from __future__ import annotations

import importlib.util
import json
import math
import subprocess
from functools import cache
from pathlib import Path
from subprocess import CompletedProcess as Completed
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from loadtests.gate.analysis import verdict
from loadtests.gate.model.vocabulary import SideName
from loadtests.gate.report import verdict_json
from scripts.zoo import image
from tests.checkout import CHECKOUT
from tests.loadtests.gate.builders import (
    MACHINE,
    make_evidence,
    make_facts,
    make_gate_plan,
    make_side,
)

SCRIPTS = CHECKOUT / "scripts"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


campaign, replay = script("gate_campaign"), script("gate_replay")


def recorded(case: str, change: float, seed: int, *, pairs: int = 16) -> dict[str, Any]:
    """A gate as the campaign records it; machine speed wanders, starts differ by 2.5 %."""
    rng = np.random.default_rng(seed)
    pair_figures = []
    for number in range(pairs):
        speed = math.exp(rng.normal(0, 0.1))
        own = math.exp(change + rng.normal(0, 0.025))
        sides = {}
        for side, factor in (("base", speed), ("head", speed * own)):
            times = np.clip(rng.lognormal(math.log(8000 / factor), 0.6, 200), 100, 1e7)
            counts, _ = np.histogram(times, bins=campaign.EDGES_US)
            p99 = np.percentile(times, 99) / 1000
            sides[side] = {
                "rps": 110 * factor,
                "cpu_us": 2000 / factor,
                "count": len(times),
                "quantiles_ms": campaign.quantiles_ms(times.tolist()),
                "p99_ms": [p99, p99],
                "mean_us": float(times.mean()),
                "sd_us": float(times.std()),
                "counts": counts.tolist(),
            }
        pair_figures.append({"at_s": 8.0 * number, **sides})
    return {"injected": case, "gate_id": f"{case}-{seed}", "pairs": pair_figures, "blocks": []}


@cache
def gates() -> list[dict[str, Any]]:
    return [
        *(recorded("aa", 0.0, seed) for seed in range(20)),
        *(recorded("burn5", -math.log(1.05), 100 + seed) for seed in range(20)),
    ]


def test_a_row_says_what_was_injected_and_what_was_found() -> None:
    plan = make_gate_plan()
    sides = (make_side(SideName.BASE), make_side(SideName.HEAD))
    result = verdict.conclude(
        make_facts(), MACHINE, sides, plan, make_evidence(plan, change=-math.log(1.08))
    )
    row = campaign.row_of("burn10", json.loads(verdict_json.render(result)))

    assert row["verdict"] == row["right"] == "regressed"
    assert row["estimate"] == pytest.approx(1 / 1.08 - 1)
    assert (row["starts"], row["blocks"]) == (16, 8)
    assert "cpu_per_request" in row["by"]
    assert row["cpu_model"] == MACHINE.cpu_model


def test_rows_are_added_to_those_that_are_there(tmp_path: Path) -> None:
    path = tmp_path / "results" / "rows.json"
    campaign.RowFile(path).add({"injected": "aa", "seed": 1})
    row_file = campaign.RowFile(path)
    row_file.add({"injected": "burn5", "seed": 2})

    assert [row["seed"] for row in campaign.RowFile(path).rows] == [1, 2]
    assert row_file.of("aa") == [{"injected": "aa", "seed": 1}]


@pytest.mark.parametrize(
    ("words", "built", "version"),
    [((), ["twofold/zoo:latest"], "twofold/zoo:latest"), (("--version", "shop:1"), [], "shop:1")],
)
def test_the_zoos_image_is_gated_unless_another_version_is_named(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    words: tuple[str, ...],
    built: list[str],
    version: str,
) -> None:
    made: list[str] = []
    commands: list[tuple[str, ...]] = []

    def build(*_: object, **__: object) -> str:
        made.append(image.ZOO)
        return image.ZOO

    def run(command: tuple[str, ...], **_: object) -> Completed[str]:
        commands.append(command)
        return Completed(command, 4)

    monkeypatch.setattr(image, "build", build)
    monkeypatch.setattr(subprocess, "run", run)

    with pytest.raises(SystemExit):
        campaign.main(["burn5", "--out", str(tmp_path), *words])

    (command,) = commands
    assert made == built
    assert [command[command.index(side) + 1] for side in ("--base", "--head")] == [version] * 2
    assert command[command.index("--head-env") + 1] == "BURN_PERCENT=5"


def test_the_lock_takes_a_tenth_of_what_two_replicas_do() -> None:
    assert pytest.approx(1.8) == 2 / (1 + campaign.LOST_SHARE)


def test_replayed_gates_without_an_effect_are_rarely_called_worse() -> None:
    verdicts = replay.replay(gates(), count=300, seed=1)

    assert verdicts["gates"] == 300
    assert verdicts["pairs"] == 320
    assert verdicts["regressed"] <= 6
    assert verdicts["pass"] >= 285


def test_ours_has_the_lowest_sum_of_false_alarms_and_misses() -> None:
    rows = {row["rule"]: row for row in replay.table(gates())}
    ours = rows["twofold gate"]

    assert len(rows) >= 7
    assert (ours["of_same"], ours["of_worse"]) == (20, 20)
    assert ours["sum_of_rates"] <= 0.1
    assert all(ours["sum_of_rates"] <= row["sum_of_rates"] for row in rows.values())
    assert rows["mean throughput 10 % lower"]["misses"] > 0
    assert rows["one after the other, 5 % lower"]["false_alarms"] > 0


def test_a_machine_that_slows_down_halfway_is_seen_in_turns_and_not_side_by_side() -> None:
    def sides(speed: float) -> dict[str, Any]:
        return {"cpu_us": 2000 / speed, "p99_ms": [30.0, 30.0], "rps": 100 * speed}

    def gate(later: float) -> dict[str, Any]:
        pairs = [{"base": sides(speed), "head": sides(speed)} for speed in (1.0, later)]
        return {"injected": "aa", "pairs": pairs}

    assert replay.orders([gate(0.9), gate(1.1)], "aa") == {
        "injected": "aa",
        "gates": 2,
        "sd_side_by_side": 0.0,
        "worst_side_by_side": 0.0,
        "sd_in_turns": 0.1414,
        "worst_in_turns": -0.1,
    }
    assert replay.orders([], "aa")["worst_in_turns"] is None


@pytest.mark.parametrize("says", [replay.welch, replay.mann_whitney, replay.until_significant])
def test_a_rule_that_looks_at_requests_or_starts_sees_a_great_loss(says: Any) -> None:
    assert says(recorded("burn10", -0.3, 5))
    assert not says(recorded("aa", 0.3, 5))


def test_both_scripts_name_their_options(capsys: pytest.CaptureFixture[str]) -> None:
    for module in (campaign, replay):
        with pytest.raises(SystemExit) as ended:
            module.main(["--help"])
        assert ended.value.code == 0
        assert "--gates" in capsys.readouterr().out


def test_the_replay_writes_its_figures(tmp_path: Path) -> None:
    (tmp_path / "gate-starts.json").write_text(json.dumps({"rows": gates()}))

    assert replay.main(["--gates", "20", "--out", str(tmp_path)]) == 0

    written = json.loads((tmp_path / "gate-rules.json").read_text())
    assert written["replayed"]["gates"] == 20
    assert [row["gates"] for row in written["orders"]] == [20, 0]
