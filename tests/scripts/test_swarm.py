import tomllib
from pathlib import Path
from typing import Any

import pytest

from loadtests.model.errors import UsageError
from scripts import swarm


def a_row(**fields: Any) -> dict[str, Any]:
    defaults: dict[str, Any] = {"worker": "sync", "workload": "io", "from": 1, "to": 2}
    figures = {"factor": 2.0, "low": 1.95, "high": 2.05, "verdict": "scales"}
    return defaults | figures | fields


def a_run(*rows: dict[str, Any]) -> dict[str, Any]:
    return {
        "doublings": list(rows),
        "verdict": "scales",
        "wall_s": 300.0,
        "rounds": 6,
        "run_id": "r",
        "notes": ["Node one has proxy.", "Other."],
    }


@pytest.mark.parametrize(
    ("fields", "as_it_should_be"),
    [
        ({}, True),
        ({"factor": 1.9, "low": 1.84, "high": 1.96}, True),
        ({"factor": 1.9, "low": 1.84, "high": 1.96, "verdict": "inconclusive"}, False),
        ({"low": 1.85, "high": 2.15}, False),
        ({"low": 1.95 * 0.97, "machine_share_ratio": -0.03}, True),
        ({"low": 1.85, "high": 2.15, "machine_share_ratio": 0.01}, False),
        ({"factor": 1.5, "low": 1.45, "high": 1.55, "verdict": "falls_short"}, False),
        ({"verdict": "invalid"}, False),
        ({"low": None, "high": None, "verdict": "inconclusive"}, False),
    ],
)
def test_a_doubling_holds_if_it_is_right_and_precise(
    fields: dict[str, Any], as_it_should_be: bool
) -> None:
    assert swarm.holds(a_row(**fields)) is as_it_should_be


def test_composes_figures_stand_beside_the_same_doubling() -> None:
    table = swarm.table_of(
        a_run(a_row(), a_row(worker="gthread")), a_run(a_row(worker="gthread", factor=1.97))
    )

    assert (table["doublings"], table["holding"]) == (2, 2)
    assert [row["compose"] and row["compose"]["factor"] for row in table["rows"]] == [None, 1.97]
    assert table["nodes"] == ["Node one has proxy."]


def test_nodes_are_written_into_a_configuration() -> None:
    text = swarm.configuration(["two=unix:///run/2.sock"], "unix:///b.sock")

    table = tomllib.loads(text)["tool"]["twofold"]["swarm"]
    assert table == {"builder": "unix:///b.sock", "nodes": {"two": "unix:///run/2.sock"}}
    with pytest.raises(UsageError, match="--node 'two' has no address"):
        swarm.configuration(["two"], None)


def test_a_run_that_is_there_is_taken_and_one_that_is_not_is_named(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"verdict": "scales"}')

    assert swarm.result_in(tmp_path) == {"verdict": "scales"}
    with pytest.raises(UsageError, match=f"no result of a run in {tmp_path}/other"):
        swarm.result_in(tmp_path / "other")
