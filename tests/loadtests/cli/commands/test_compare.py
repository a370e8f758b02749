from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from loadtests import pipeline
from loadtests.model import errors
from loadtests.model.consistency import ProbeState
from loadtests.model.result import RunResult
from tests.loadtests.builders import make_probe
from tests.loadtests.cli.command_line import SMALL


def test_worker_models_are_compared(twofold: Any) -> None:
    twofold("run", *SMALL[2:], "--workers", "gthread,sync")

    ended = twofold("compare")

    assert ended.code == errors.EXIT_YES
    assert "sync" in ended.stdout
    assert twofold("compare", "--json").document["schema_version"] == 1


def test_response_times_are_those_at_70_percent_of_capacity_where_they_were_measured(
    twofold: Any,
) -> None:
    twofold("run", *SMALL[2:], "--workers", "gthread,sync", "--latency")

    shown, document = twofold("compare").stdout, twofold("compare", "--json").document

    assert "response times in ms at 70 % of capacity." in " ".join(shown.split())
    assert {latency["worker"] for latency in document["latency"]} == {"gthread", "sync"}


def test_one_worker_model_cannot_be_compared(twofold: Any) -> None:
    twofold("run", *SMALL)

    ended = twofold("compare")

    assert ended.code == errors.EXIT_USAGE
    assert "nothing to compare" in ended.stderr


def test_with_wrong_answers_of_one_of_two_no_pair_can_be_compared(
    twofold: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    twofold("run", *SMALL[2:], "--workers", "gthread,sync")
    conclude = pipeline.conclude

    def with_wrong_answers(*given: Any) -> RunResult:
        probe = make_probe(worker="sync", state=ProbeState.BREAKS)
        return replace(conclude(*given), probes=(probe,))

    monkeypatch.setattr(pipeline, "conclude", with_wrong_answers)

    ended = twofold("compare")

    assert ended.code == errors.EXIT_CANNOT_TELL
    assert ended.stdout.startswith("No two worker models can be compared.")
    assert "* sync is left out" in ended.stdout
