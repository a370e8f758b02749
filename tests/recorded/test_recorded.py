"""Recorded runs and gates, judged again: what is said of them is what was said before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from loadtests.gate.model.vocabulary import EndpointName, GateVerdict
from loadtests.model.vocabulary import RuleCode, Verdict
from tests.recorded import archive
from tests.recorded.archive import EXPECTED_GATE, EXPECTED_RUN, GATES, RUNS
from tests.recorded.rewrite import only_reworded


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recorded")
    archive.unpack(folder)
    return folder


def documents(folder: Path, name: str) -> list[Any]:
    return [json.loads(path.read_bytes()) for path in folder.glob(f"*/*/{name}")]


def test_the_archive_has_the_cases_of_the_list(cases: Path) -> None:
    folders = {f"{path.parent.name}/{path.name}" for path in cases.glob("*/*")}

    assert folders == {*RUNS, *GATES}


@pytest.mark.parametrize("case", RUNS)
def test_a_recorded_run_says_what_it_said(cases: Path, case: str) -> None:
    folder = cases / case

    now = archive.judge_run(folder)

    assert list(archive.differences(now, (folder / EXPECTED_RUN).read_text())) == []


@pytest.mark.parametrize("case", GATES)
def test_a_recorded_gate_says_what_it_said(cases: Path, case: str) -> None:
    then = (cases / case / EXPECTED_GATE).read_text()

    now = archive.judge_gate((cases / case / "verdict.json").read_text(), case)

    assert list(archive.differences(now, then)) == []


@pytest.mark.parametrize("case", GATES)
def test_what_a_recorded_gate_said_can_be_judged_again(cases: Path, case: str) -> None:
    then = (cases / case / EXPECTED_GATE).read_text()

    assert list(archive.differences(archive.judge_gate(then, case), then)) == []


def test_every_verdict_of_a_run_is_among_them_and_every_rule_was_broken_once(cases: Path) -> None:
    runs = documents(cases, EXPECTED_RUN)

    assert {run["verdict"] for run in runs} == set(Verdict)
    # The runs were recorded before there was a backend of several nodes, bytes by name, and
    # rules about slow requests and slow replicas.
    of_nodes = {RuleCode.NODES, RuleCode.NODE_SPEED, RuleCode.NETWORK, RuleCode.CLOCKS}
    later = {RuleCode.ANSWER_SIZE, RuleCode.WINDOW_LENGTH, RuleCode.REPLICA_SPEED}
    recorded = set(RuleCode) - of_nodes - later
    assert {rule["code"] for run in runs for rule in run["invalid"]} == recorded


def test_every_verdict_of_a_gate_is_among_them_and_each_endpoint_regressed_once(
    cases: Path,
) -> None:
    gates = documents(cases, EXPECTED_GATE)
    worse = [end for gate in gates for end in gate["endpoints"] if end["verdict"] == "regressed"]

    assert {gate["verdict"] for gate in gates} == set(GateVerdict)
    # The gates were recorded before users who do not begin were a regression.
    assert {end["endpoint"] for end in worse} == set(EndpointName) - {EndpointName.BEGINS}


def test_any_figure_that_differs_is_seen() -> None:
    then = '{"a": 1.0, "b": ["x", 2], "versions": {"twofold": "1"}}'

    assert list(archive.differences(then.replace('"1"', '"2"'), then)) == []
    assert list(archive.differences(then.replace("1.0", "1.1"), then)) == [(".a", 1.1, 1.0)]
    assert list(archive.differences(then.replace("2]", "3]"), then)) == [(".b[1]", 3, 2)]
    assert list(archive.differences(then.replace('{"a"', '{"new": 1, "a"'), then)) == []
    assert len(list(archive.differences(then.replace('"a": 1.0, ', ""), then))) == 1


def test_a_sentence_may_be_reworded_but_not_its_figures() -> None:
    assert only_reworded("Busy for 3 % of 12.", "It was busy: 12, of these 3 %.")
    assert not only_reworded("Busy for 4 %.", "Busy for 3 %.")
    assert not only_reworded("scales", "no_gain")
