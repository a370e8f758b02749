"""The table of applications, from made-up runs."""

import json
from pathlib import Path
from typing import Any

from scripts import applications


def a_run(*, backend: str = "compose", verdict: str = "scales") -> dict[str, Any]:
    doubling = {
        "worker": "sync",
        "workload": "requests",
        "from": 1,
        "to": 2,
        "factor": 2.0,
        "low": 1.9,
        "high": 2.1,
        "verdict": verdict,
        "cpu_got_factor": 2.0,
    }
    cell = {"worker": "sync", "workload": "requests", "replicas": 1, "bottleneck": "worker_slots"}
    return {
        "backend": backend,
        "verdict": verdict,
        "reason": "All doublings scale.",
        "wall_s": 150.0,
        "plan": {"tested": {"name": "rng:app"}},
        "doublings": [doubling],
        "cells": [cell],
        "invalid": [{"code": "budget"}, {"code": "budget"}],
    }


def add(tmp_path: Path, name: str, run: dict[str, Any]) -> list[dict[str, Any]]:
    source, table = tmp_path / "run.json", tmp_path / "applications.json"
    source.write_text(json.dumps(run))
    hand = ["--hand-lines", "2", "--truth", "2.0 by slots", "--out", str(table)]
    assert applications.main([name, str(source), *hand]) == 0
    rows: list[dict[str, Any]] = json.loads(table.read_text())["rows"]
    return rows


def test_a_row_has_what_was_measured_and_what_is_known(tmp_path: Path) -> None:
    (row,) = add(tmp_path, "rng", a_run())

    assert row == {
        "application": "rng",
        "target": "rng:app",
        "backend": "compose",
        "hand_lines": 2,
        "truth": "2.0 by slots",
        "verdict": "scales",
        "reason": "All doublings scale.",
        "minutes": 2.5,
        "doublings": [
            {
                "worker": "sync",
                "workload": "requests",
                "from": 1,
                "to": 2,
                "factor": 2.0,
                "low": 1.9,
                "high": 2.1,
                "verdict": "scales",
            }
        ],
        "bottlenecks": {"sync requests x1": "worker_slots"},
        "broken_rules": ["budget"],
    }


def test_a_row_of_the_same_application_and_backend_is_replaced(tmp_path: Path) -> None:
    add(tmp_path, "rng", a_run(verdict="invalid"))
    add(tmp_path, "rng", a_run(backend="processes"))
    rows = add(tmp_path, "rng", a_run())

    assert [(row["backend"], row["verdict"]) for row in rows] == [
        ("compose", "scales"),
        ("processes", "scales"),
    ]
