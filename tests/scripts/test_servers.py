"""The campaign over servers and Pythons, judged without measuring any."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from loadtests.cli.run_options import ask
from loadtests.servers import registry
from scripts import server_environments, servers
from tests.loadtests.builders import make_plan, make_result, make_trials

PLAN = make_plan(workers=("gthread", "sync"), replica_counts=(1, 2), rounds=4)


def row(day: str, variant: str, low: float, estimate: float, high: float) -> dict[str, Any]:
    return {
        "day": day,
        "workload": "cpu",
        "variant": variant,
        "against": "gthread-313",
        "ratio": {"low": low, "estimate": estimate, "high": high},
    }


def test_there_are_ten_variants_on_three_pythons_and_seven_servers_or_modes_on_one() -> None:
    variants = tomllib.loads(servers.CONFIG.read_text())["variants"]
    on_313 = {
        (table["server"], table.get("worker"))
        for table in variants.values()
        if "cpython-3.13" in table["python"]
    }

    assert len(variants) >= 10
    assert len(on_313) >= 7
    assert {Path(table["python"]).parts[4] for table in variants.values()} == set(
        server_environments.INTERPRETERS
    )
    assert {table["server"] for table in variants.values()} <= set(registry.SERVERS)


def test_a_run_is_a_command_line_that_the_program_takes() -> None:
    words = servers.argv_of("io", ("waitress-313", "granian-313"), rounds=3, seed=7)

    assert words[1:4] == ("-m", "loadtests", "run")
    assert words[words.index("--workers") + 1] == "waitress-313,granian-313"
    assert words[words.index("--workload") + 1] == "io"
    assert callable(ask)


def test_pins_are_read_from_locks_and_the_first_decides() -> None:
    locks = ("flask==3.1.2 \\\n    --hash=sha256:aa\n    # via x\n", "flask==9 \\\nwaitress==3.0\n")

    assert server_environments.pins(locks) == [("flask", "3.1.2"), ("waitress", "3.0")]


def test_ratios_repeat_where_the_interval_of_their_difference_contains_none() -> None:
    again = servers.repeat(
        [
            row("1", "sync-313", 0.98, 1.00, 1.02),
            row("2", "sync-313", 1.00, 1.025, 1.05),
            row("1", "gevent-313", 0.98, 1.00, 1.02),
            row("2", "gevent-313", 1.05, 1.07, 1.09),
            row("1", "waitress-313", 0.98, 1.00, 1.02),
        ]
    )

    assert (again["ratios"], again["agreeing"]) == (2, 1)
    assert [each["variant"] for each in again["apart"]] == ["gevent-313"]


@pytest.fixture
def result() -> Any:
    rps = {"gthread": 100.0, "sync": 110.0}
    trials = make_trials(
        PLAN, rps=lambda spec: rps[spec.cell.worker] * spec.cell.replicas * (1 + spec.round / 1e4)
    )
    return make_result(PLAN, trials)


def test_a_run_gives_figures_and_ratios_with_their_half_widths(result: Any) -> None:
    rows = list(servers.figures("1", result))
    pairs = list(servers.ratios("1", result))

    assert {(each["variant"], each["replicas"]) for each in rows} == {("gthread", 2), ("sync", 2)}
    assert [each["half_width"] < 0.01 for each in pairs] == [True]
    ratio = pairs[0]["ratio"]["estimate"]
    assert max(ratio, 1 / ratio) == pytest.approx(1.1, rel=0.01)


def kept(day: str, result: Any) -> dict[str, Any]:
    return {
        "day": day,
        "workload": "cpu",
        "run": f"2026112{day}-101010-0001",
        "date": f"2026-11-2{day}",
        "processor": "a processor",
        "verdict": result.verdict,
        "broken": ["steady"] if day == "2" else [],
        "variants": list(servers.figures(day, result)),
        "ratios": list(servers.ratios(day, result)),
        "table": servers.compared(result),
    }


def test_the_report_has_the_table_of_every_run(result: Any) -> None:
    text = servers.report([kept("1", result), kept("2", result)])

    assert text.count("```text") == 2
    assert "## cpu, day 2" in text
    assert "of 2026-11-22 on a processor" in text
    assert "broken: steady" in text
    assert "gthread" in text


def test_what_another_machine_measured_stays(
    result: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "OUT", tmp_path)
    monkeypatch.setattr(servers, "RUNS", tmp_path / "runs-of-another-machine")
    servers.record_of("1", "cpu").write_text(servers.as_json(kept("1", result)))

    code = servers.main(["--judge"])

    assert code == 1  # nothing was repeated yet
    assert json.loads((tmp_path / "figures.json").read_text())["ratios"][0]["day"] == "1"
    assert "## cpu, day 1" in (tmp_path / "report.md").read_text()
