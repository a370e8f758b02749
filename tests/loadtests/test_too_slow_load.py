"""A run of two loads, one of which takes longer than any window."""

from __future__ import annotations

import json
from pathlib import Path

from loadtests.model.vocabulary import RuleCode, Verdict
from tests.loadtests.fakes import World
from tests.loadtests.test_pipeline import Listener, run

NEVER = 1e-3
"""Answers a second: the second one comes after a quarter of an hour."""


def test_the_other_load_has_its_verdict_and_a_note_says_what_is_too_slow(tmp_path: Path) -> None:
    world = World(
        rps=lambda order, members: NEVER if order["path"] == "/io" else 50.0 * len(members)
    )
    listener = Listener()

    result, folder = run(world, tmp_path, listener, workloads=("cpu", "io"))

    assert {
        doubling.workload: (doubling.verdict, doubling.reason) for doubling in result.doublings
    } == {
        "cpu": (Verdict.SCALES, "The whole interval is at or above 1.8."),
        "io": (Verdict.INVALID, "No request ended inside a window."),
    }
    assert {finding.cell.workload for finding in result.broken if finding.cell} == {"io"}
    assert RuleCode.ERRORS in {finding.code for finding in result.broken}
    (note,) = json.loads((folder / "run.json").read_text())["notes"]
    assert note in listener.lines
    assert note.startswith("gthread on io: with one user alone no request ended between 4 and 8 s")
    assert note.endswith("gthread on io has no verdict in this run.")
