"""What a person and a CI system are told of a gate."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from typing import Any

import pytest
from junitparser import JUnitXml
from rich.console import Console

from loadtests.gate import result_files
from loadtests.gate.analysis import verdict
from loadtests.gate.model.result import GateResult
from loadtests.gate.model.vocabulary import GateVerdict, SideKind, SideName
from loadtests.gate.report import github, junit, markdown, terminal, wording
from tests.loadtests.gate.builders import (
    MACHINE,
    make_evidence,
    make_facts,
    make_gate_plan,
    make_side,
)

PLAN = make_gate_plan()


def gate(**changed: Any) -> GateResult:
    base = make_side(
        SideName.BASE, asked="merge base", kind=SideKind.REF, commit="b8debf8627c2d9822729c8a4e07b"
    )
    head = make_side(SideName.HEAD, asked="working tree", kind=SideKind.PATH)
    facts = make_facts(differences=("changed: work.py",))
    return verdict.conclude(facts, MACHINE, (base, head), PLAN, make_evidence(PLAN, **changed))


PASSED = gate()
REGRESSED = gate(change=math.log(0.93))
OPEN = gate(sd=0.2)
INVALID = verdict.conclude(
    PASSED.facts,
    MACHINE,
    (PASSED.base, PASSED.head),
    PLAN,
    replace(PASSED.evidence, replaced=("head-1",)),
)
ALL = pytest.mark.parametrize(
    "result", [PASSED, REGRESSED, OPEN, INVALID], ids=lambda result: str(result.verdict)
)


def test_the_four_are_what_they_are_called() -> None:
    assert [r.verdict for r in (PASSED, REGRESSED, OPEN, INVALID)] == [
        GateVerdict.PASS,
        GateVerdict.REGRESSED,
        GateVerdict.INCONCLUSIVE,
        GateVerdict.INVALID,
    ]


@ALL
def test_the_report_fits_a_comment_and_names_every_endpoint(result: GateResult) -> None:
    text = markdown.render(result)

    assert len(text) < 8000
    assert wording.VERDICTS[result.verdict] in text.splitlines()[0]
    for endpoint in result.endpoints:
        assert wording.name(endpoint, result) in text
    assert "twofold gate --base b8debf8627c2d9822729c8a4e07b --head ." in text


def test_the_report_says_by_how_much_and_why() -> None:
    text = markdown.render(REGRESSED)

    assert "−7.0 % \\[" in text
    assert "7.5% more CPU" in text
    assert "changed: work.py" in text


@pytest.mark.parametrize(
    ("result", "kinds"),
    [
        (PASSED, (0, 0, 0)),
        (REGRESSED, (2, 0, 0)),
        (OPEN, (0, 0, 5)),
        (INVALID, (0, 5, 0)),
    ],
    ids=["pass", "regressed", "open", "invalid"],
)
def test_junit_counts_failures_errors_and_skipped(
    result: GateResult, kinds: tuple[int, int, int]
) -> None:
    read = JUnitXml.fromstring(junit.render(result).encode())

    assert read.tests == 5
    assert (read.failures, read.errors, read.skipped) == kinds


def test_annotations_are_one_line_each_and_escaped() -> None:
    lines = github.render(REGRESSED).splitlines()

    assert len(lines) == 2
    assert all(line.startswith("::error title=Performance gate%3A gthread ") for line in lines)
    assert all("%25" in line for line in lines)
    assert github.render(PASSED).startswith("::notice ")
    assert github.render(INVALID).startswith("::warning ")


@ALL
def test_the_terminal_shows_the_answer_and_every_endpoint_in_a_line_of_80_columns(
    result: GateResult,
) -> None:
    console = Console(width=80, file=io.StringIO(), record=True)
    console.print(terminal.render(result))
    lines = [line.rstrip() for line in console.export_text().splitlines()]

    assert lines[0].startswith(wording.answer(result)[:12])
    for endpoint in result.endpoints:
        assert f"{wording.title(endpoint.worker, result)}:" in lines
        name, *_, word = wording.row_below_title(endpoint)
        assert any(line.startswith(name) and line.endswith(word) for line in lines)


def test_an_open_gate_says_how_to_go_on() -> None:
    assert " more of measuring would probably decide it: --append gate-" in wording.answer(OPEN)


def test_the_job_summary_is_added_to(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)

    assert result_files.tell_ci(PASSED) == ""
    assert summary.read_text() == f"before\n{markdown.render(PASSED)}\n"

    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert result_files.tell_ci(PASSED) == github.render(PASSED)
